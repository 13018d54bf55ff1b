-- A forward with exception and label inside FreeSWITCH, as an administrator would write it: the directory, one
-- transfer, one label. No loops, no withheld numbers, no transfers, no second domain.
local callee, domain, stage = argv[1], argv[2], argv[3]
local api = freeswitch.API()

local function directory(user, name)
  local value = api:executeString("user_data " .. user .. "@" .. domain .. " var " .. name)
  return (value == nil or value:sub(1, 4) == "-ERR") and "" or value
end

local function encode(text)
  text = text:gsub("[%c]+", " "):gsub('"', "'")
  return (text:gsub("[^%w%. \128-\255]", function(ch) return string.format("%%%02X", ch:byte()) end))
end

local kinds = { USER_BUSY = "busy", NO_ANSWER = "no_answer", USER_NOT_REGISTERED = "not_registered" }
local kind = stage == "before" and "all" or kinds[session:getVariable("originate_disposition") or ""]
local target = kind and directory(callee, "call_forward_" .. kind) or ""
local diverter = session:getVariable("diverted_by") or ""
session:setVariable("leg", "")
if diverter ~= "" and stage == "before" then
  local caller = session:getVariable("effective_caller_id_name") or session:getVariable("caller_id_name") or ""
  local label = encode("Uml. fuer " .. directory(diverter, "effective_caller_id_name") .. ": " .. caller)
  session:setVariable("leg", "[origination_caller_id_name=" .. label .. "]")
end
if target:match("^[%w.*#+-]+$") and target ~= callee and target ~= session:getVariable("user_name") then
  session:setVariable("diverted_by", callee)
  session:transfer(target, "XML", session:getVariable("diverted_context"))
end
