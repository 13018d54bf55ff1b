-- Reads the forwards of one user from a database into channel variables:  lua two_tenants_forwards.lua USER DOMAIN
--
-- Put it in scripts/. The dialplan runs it before it calls a user. It sets all four variables each time, so that no
-- forward of an earlier callee stays. The table is in the SQLite file forwards.db of FreeSWITCH's database directory:
--   create table forwards (domain text, user text, kind text, target text, primary key (domain, user, kind));
--   insert into forwards values ('alpha.test', '100', 'all', '101');

local kinds = {all = "", busy = "", no_answer = "", not_registered = ""}
local user, domain = argv[1], argv[2]

-- Both come from the dialplan and become part of the SQL: allow letters, digits, dots and hyphens only.
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
