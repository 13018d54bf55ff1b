-- What fsdaemon decides for the bench's call, inside FreeSWITCH: a forward with its label, or why not.
-- It does what such a script would do, and no more: no loops over chains, no transfers, no withheld numbers.

local function get(name)
  return session:getVariable(name) or ""
end

local function encode(text)
  text = text:gsub("[%c]+", " "):gsub('"', "'"):gsub("\\", "\\\\")
  return (text:gsub("[^%w%. \128-\255]", function(ch) return string.format("%%%02X", ch:byte()) end))
end

local function is_number(text)
  return #text <= 128 and text:match("^%+?[%w_.*#-]+$") ~= nil
end

local function asked_already(path, user)
  for step in path:gmatch("[^,]+") do
    if step == user then return true end
  end
  return false
end

local function decide(callee, target, path)
  if target == "" or not is_number(target) or target == callee then return "ring", "no_forward" end
  if get("sip_authorized") == "true" and get("user_name") == target then return "ring", "target" end
  if asked_already(path, target) or asked_already(path, callee) then return "ring", "loop" end
  return "forward", "always"
end

local callee, target, path = get("fsdaemon_callee"), get("fsdaemon_forward_all"), get("fsdaemon_path")
local verdict, reason = decide(callee, target, path)
session:setVariable("fsdaemon_verdict", verdict)
session:setVariable("fsdaemon_reason", reason)
if verdict == "forward" then
  local own = get("effective_caller_id_name")
  local caller = own ~= "" and own or session:getVariable("caller_id_name") or ""
  local label = encode("Uml. fuer " .. get("fsdaemon_callee_name") .. ": " .. caller)
  local diversion = "<sip:" .. callee .. "@" .. get("fsdaemon_domain") .. ">;reason=unconditional;counter=1"
  session:setVariable("fsdaemon_target", target)
  session:setVariable("fsdaemon_path", path == "" and callee or path .. "," .. callee)
  session:setVariable("fsdaemon_kinds", "always")
  session:setVariable("fsdaemon_hop", target)
  session:setVariable("fsdaemon_diversion", diversion)
  session:setVariable("sip_h_Diversion", diversion)
  session:setVariable("fsdaemon_label", label)
  session:setVariable("fsdaemon_own_name", own)
  session:setVariable("effective_caller_id_name", label)
  session:setVariable("fsdaemon_leg", "[^^!sip_h_Diversion=" .. diversion .. "!origination_caller_id_name=" .. label .. "]")
end
