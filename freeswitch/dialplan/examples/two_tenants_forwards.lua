-- The forwards of one user, from a database onto the channel:  lua two_tenants_forwards.lua USER DOMAIN
--
-- Goes into scripts/. Called before each user is called, and sets all four variables each time, so that nothing of
-- a user who was called before stays. The table, in the SQLite file forwards.db of FreeSWITCH's database directory:
--   create table forwards (domain text, user text, kind text, target text, primary key (domain, user, kind));
--   insert into forwards values ('alpha.test', '100', 'all', '101');

local kinds = {all = "", busy = "", no_answer = "", not_registered = ""}
local user, domain = argv[1], argv[2]

-- Both come from the dialplan, and go into a statement: letters, digits, dots and hyphens only.
if user:match("^[%w.-]+$") and domain:match("^[%w.-]+$") then
  local database = freeswitch.Dbh("sqlite://forwards")
  if database:connected() then
    local query = "select kind, target from forwards where domain = '" .. domain .. "' and user = '" .. user .. "'"
    database:query(query, function(row)
      if kinds[row.kind] and row.target:match("^[%w.*#+-]+$") then
        kinds[row.kind] = row.target
      end
    end)
    database:release()
  end
end

for kind, target in pairs(kinds) do
  session:setVariable("fsdaemon_forward_" .. kind, target)
end
