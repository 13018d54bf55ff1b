-- Calls a ring group of FusionPBX, or the destinations of a user's follow-me, with the exceptions and labels of fsdaemon
-- for the forwards of its members.
--
--   fsdaemon_members.lua ring_groups find NUMBER DOMAIN_UUID    writes "ours" if NUMBER is one with FusionPBX's own entry
--   fsdaemon_members.lua ring_groups ring NUMBER DOMAIN_UUID    calls it; the same with follow_me
--
-- FusionPBX's own script calls the members. What changes is the answer to its question whether a member forwards, and
-- what it dials. Where something is not as expected, nothing changes, and the log says so once.

require "resources.functions.config"
local Database = require "resources.functions.database"

local app, what, number, domain_uuid = argv[1], argv[2], argv[3], argv[4]
local SOCKET = "127.0.0.1:8084 full"
local MOST = 500 -- users that are looked at
local VARIABLES = {always = "forward_all", not_registered = "forward_user_not_registered"}
local KINDS = {forward_all = "always", forward_user_not_registered = "not_registered", forward_no_answer = "no_answer"}
local OFF = {f = true, ["false"] = true} -- a boolean, or a text in older versions
local SQL = {
	ring_groups = {
		conditions = 1,
		entry = [[
			select d.dialplan_xml, cast(g.ring_group_call_forward_enabled as text) as follows
			from v_ring_groups as g, v_dialplans as d
			where g.ring_group_extension = :number and g.domain_uuid = :domain_uuid
			and d.dialplan_uuid = g.dialplan_uuid and cast(d.dialplan_enabled as text) = 'true']],
		members = [[
			select d.*, d.destination_number as number
			from v_ring_groups as g, v_ring_group_destinations as d
			where g.ring_group_extension = :number and g.domain_uuid = :domain_uuid
			and d.ring_group_uuid = g.ring_group_uuid order by d.destination_delay, d.destination_number]]
	},
	follow_me = {
		conditions = 2,
		entry = [[
			select dialplan_xml, 'true' as follows from v_dialplans
			where dialplan_name = 'follow-me-destinations' and cast(dialplan_enabled as text) = 'true']],
		members = [[
			select f.follow_me_destination as number
			from v_follow_me_destinations as f, v_extensions as e
			where f.follow_me_uuid = e.follow_me_uuid and e.domain_uuid = :domain_uuid
			and (e.extension = :number or e.number_alias = :number) order by f.follow_me_order]]
	}
}

local function once(text)
	local told = "fsdaemon_told_" .. text:gsub("%W", "_")
	if (freeswitch.getGlobalVariable(told) or "") == "" then
		freeswitch.setGlobalVariable(told, "true")
		freeswitch.consoleLog("warning", "fsdaemon: no exceptions and labels in " .. app .. ": " .. text .. "\n")
	end
end

local function query(sql)
	local rows, dbh = {}, Database.new("system")
	dbh:query(sql, {number = number, domain_uuid = domain_uuid}, function(row) rows[#rows + 1] = row end)
	dbh:release()
	return rows
end

-- The actions of a dialplan entry that has no further conditions and ends in the script; nil for any other entry.
local function actions(xml)
	local found, marks = {}, {quot = '"', apos = "'", lt = "<", gt = ">", amp = "&"}
	local rest = xml:gsub('<action application="([%w_]+)" data="([^"]*)"([^>]*)/>', function(name, data, more)
		if data:find("%$%d") or not more:find('^%s*$') and not more:find('^%s*inline="true"%s*$') then return nil end
		found[#found + 1] = {name, (data:gsub("&(%a+);", marks))}
		return ""
	end)
	local last = table.remove(found)
	local _, conditions = rest:gsub("<condition ", "")
	local plain = conditions == SQL[app].conditions and not rest:find("action", 1, true)
	return plain and last and last[1] == "lua" and last[2] == "app.lua " .. app and found or nil
end

local function entry()
	local rows = query(SQL[app].entry)
	local row = #rows == 1 and rows[1]
	local own = row and actions(row.dialplan_xml)
	if row and not own then once("the dialplan entry of " .. number .. " is not as FusionPBX makes it") end
	return row, own
end

if what == "find" then
	local _, own = entry()
	stream:write(own and "ours" or "")
	return
end

local api = freeswitch.API()
local ask, execute = api.executeString, session.execute
local domain = session:getVariable("domain_name")

-- What the script would be told of a member, each question once.
local answers = {}
local function asked(command)
	answers[command] = answers[command] or ask(api, command)
	return answers[command]
end

-- The members, and what they and the targets of their forwards forward (fsdaemon: core/group.py).
local function question(row)
	local function written(text)
		return (text:gsub("[^%w.*#+@-]", function(char) return ("%%%02X"):format(char:byte()) end))
	end
	local members, rows, seen, count = {}, {}, {}, 0
	local function look(user)
		if seen[user] or count >= MOST or not user:find("^[%w.*#+-]+$") then return end
		seen[user], count = true, count + 1
		local facts, targets = {}, {}
		for kind, name in pairs(VARIABLES) do
			local of = ("user_data %s@%s var %s"):format(user, domain, name)
			local follows = kind ~= "always" or row.follows == "true"
			if follows and asked(of .. "_enabled") == "true" then
				local target = asked(of .. "_destination")
				facts[#facts + 1] = kind .. "=" .. written(target)
				targets[#targets + 1] = target
			end
		end
		if #facts > 0 then rows[#rows + 1] = written(user) .. " " .. table.concat(facts, " ") end
		for _, target in ipairs(targets) do look(target) end
	end
	for _, member in ipairs(query(SQL[app].members)) do
		if not OFF[member.destination_enabled] then
			members[#members + 1] = written(member.number)
			look(member.number)
		end
	end
	table.insert(rows, 1, table.concat(members, ","))
	return table.concat(rows, "|")
end

-- Ask the daemon; nil if it did not answer.
local function verdicts(row)
	session:setVariable("fsdaemon_members", question(row))
	session:setVariable("fsdaemon_stage", "members")
	session:execute("socket", SOCKET)
	local answer = session:getVariable("fsdaemon_member_forwards")
	session:execute("multiunset", "fsdaemon_members fsdaemon_member_forwards fsdaemon_stage")
	if not answer then return nil end
	local found = {}
	for one in answer:gmatch("[^|]+") do
		local kind, way, leg = one:match("^(%S+) (%S+) ?(.*)$")
		if kind then found[kind .. " " .. way] = leg end
	end
	return found
end

-- What the script asks and what it dials, with the verdicts in `found` put in.
--
-- It asks about a member, then about the target of each forward that is followed, and so on; then, when all members
-- are known, who has a phone, and where the others forward. `legs`: for each user whose phone will be called the ways
-- that led there, in the order in which it will call them.
local function watch(found)
	local open, legs, contacts, all_known = nil, {}, {}, false
	local off = "," .. (session:getVariable("fsdaemon_off") or "") .. ","

	local function reached(user, entry)
		legs[user] = legs[user] or {}
		table.insert(legs[user], entry)
	end
	local function close()
		if open then reached(open.target, open) end
		open = nil
	end
	-- The forward `kind` of `user`, if it is followed; the forward `before` led there.
	local function follow(kind, user, before, command)
		local way = before and before.way .. "," .. user or user
		local leg = found[kind .. " " .. way]
		if asked(command) ~= "true" or leg == "" then return nil end
		return {way = way, leg = leg, target = asked((command:gsub("_enabled$", "_destination")))}
	end

	local heard = {}
	function heard.always(user, command)
		if all_known and legs[user] then return "false" end -- it was followed already
		local before = open and open.target == user and open or nil
		if not before then close() end
		open = follow("always", user, before, command)
		if not open then reached(user, before or {}) end
		return open and "true" or "false"
	end
	function heard.not_registered(user, command)
		local before = legs[user] and table.remove(legs[user], 1) or {}
		local next = follow("not_registered", user, before.way and before, command)
		reached(next and next.target or user, next or before)
		return next and "true" or "false"
	end

	-- Of the user whose follow-me it is, when nobody took the call.
	function heard.no_answer(user, command)
		return user == number and off:find(",no_answer,", 1, true) and "false" or asked(command)
	end

	local function executeString(self, command)
		local user, name = command:match("^user_data (%S+)@%S+ var (forward_[%a_]+)_enabled$")
		if KINDS[name] then return heard[KINDS[name]](user, command) end
		local answer = ask(self, command)
		user = command:match("^sofia_contact %*/(%S+)@")
		if user then
			close()
			all_known = true
			for one in answer:gmatch("[^,]+") do contacts[one:gsub("sip:", "")] = user end
		end
		user, name = command:match("^user_data (%S+)@%S+ (%a+ [%a_]+)$")
		if name == "attr id" and answer ~= user then -- an alias
			close()
			if legs[user] then reached(answer, table.remove(legs[user])) end
		elseif name == "var do_not_disturb" and answer == "true" then
			close()
			if legs[user] then table.remove(legs[user]) end
		end
		return answer
	end

	local groups = (session:getVariable("fsdaemon_groups") or "") .. ":" .. number

	-- One leg, `[variables]contact` or `{variables}contact`, with ours.
	local function leg(variables, contact)
		local user, entry = variables:match("dialed_extension=([^,%]}]*)"), nil
		if user then
			entry = legs[user] and table.remove(legs[user], 1)
		else
			user = contacts[contact:match("^[^,|]*")]
			entry = user and legs[user] and legs[user][1]
		end
		local left, right = variables:sub(1, 1), variables:sub(-1)
		local ours = entry and entry.leg and entry.leg ~= "-" and left .. entry.leg .. right or ""
		local more = contact:gsub(",(sofia/)", "," .. (left == "[" and ours or "") .. "%1")
		local own = "outbound_redirect_fatal=true,"
		if contact:find("^loopback/") then own = "loopback_export=fsdaemon_groups,fsdaemon_groups=" .. groups .. "," end
		return left .. own .. variables:sub(2) .. ours .. more
	end
	-- `user/…` (rollover) makes a call of its own, in which what the caller exports comes last, too.
	local function lend(data)
		local kept = {}
		for name, value in data:gmatch("[!%[]([%w_]+)=([^!%]]*)") do
			local exported = "nolocal:" .. name
			kept[exported] = session:getVariable(exported)
			if kept[exported] then session:setVariable(exported, value) end
		end
		return kept
	end
	local function dialled(data)
		if data:find(":_:", 1, true) or data:find("^{[^}]*dialed_extension=") then
			return (data:gsub("(%b{})([^{]*)", leg))
		end
		-- What a bridge exports comes last, and would replace the label of one leg.
		return "{local_var_clobber=true}" .. data:gsub("(%b[])([^%[|]*)", leg)
	end

	return executeString, dialled, lend
end

-- The methods of FreeSWITCH's objects are in their metatable (mod_lua_wrap.cpp, SWIG_Lua_class_get).
local function replace(object, name, method)
	getmetatable(object)[".fn"][name] = method
	assert(object[name] == method, "FreeSWITCH's Lua is another one")
end

local function prepare(row)
	local found = verdicts(row)
	if not found then return once("no answer from " .. SOCKET:match("%S+")) end
	local executeString, dialled, lend = watch(found)
	local calls = 0
	replace(api, "executeString", function(self, command)
		local ok, answer = pcall(executeString, self, command)
		if not ok then once(answer) end
		return ok and answer or ask(self, command)
	end)
	replace(session, "execute", function(self, application, data)
		if application ~= "bridge" then return execute(self, application, data) end
		local ok, ours = pcall(dialled, data)
		if not ok then once(ours) end
		local one_by_one = data:find("]user/", 1, true)
		local kept = ok and one_by_one and lend(ours) or {}
		execute(self, application, ok and ours or data)
		for name, value in pairs(kept) do self:setVariable(name, value) end
		-- No other phone took the call: now the one that answered 302 may send it on.
		calls = calls + 1
		local last = not one_by_one or calls >= #(destinations or {})
		if ok and last and self:ready() and self:getVariable("originate_disposition") == "REQUESTED_CHAN_UNAVAIL" then
			execute(self, application, data)
		end
	end)
end

if ((session:getVariable("fsdaemon_groups") or "") .. ":"):find(":" .. number .. ":", 1, true) then
	freeswitch.consoleLog("warning", "fsdaemon: a member of " .. number .. " leads to " .. number .. " again; not called twice\n")
	session:hangup("EXCHANGE_ROUTING_ERROR")
	return
end
local row, own = entry()
for _, action in ipairs(own or {}) do session:execute(action[1], action[2]) end
local ok, problem = pcall(prepare, row)
if not ok then once(problem) end
argv = {[0] = "app.lua", app}
loadfile(scripts_dir .. "/app/" .. app .. "/index.lua")(argv)
