-- The roles dbconn needs, for a superuser to run once per server, in the databases that dbconn.yml names:
--   psql -v looking_password=… -v acting_password=… -f deploy/grants.sql
--   docker compose -p … exec -T postgres psql -U postgres -d … -v looking_password=… -v acting_password=… < deploy/grants.sql
-- Safe to run again. Each line is tried on PostgreSQL 13, 15 and 18.
\set ON_ERROR_STOP on

-- database.url: reads. Sees every session's state, and nothing of any table.
SELECT 'CREATE ROLE dbconn LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dbconn') \gexec
ALTER ROLE dbconn PASSWORD :'looking_password' CONNECTION LIMIT 3;
ALTER ROLE dbconn SET statement_timeout = '3s';
-- A value of its own would hide from dbconn the one that holds for everybody else.
ALTER ROLE dbconn RESET idle_in_transaction_session_timeout;
GRANT pg_monitor TO dbconn;
-- PostgreSQL 16+: lets it in when ordinary roles are refused. Needs reserved_connections > 0 (restart).
SELECT 'GRANT pg_use_reserved_connections TO dbconn' WHERE current_setting('server_version_num')::int >= 160000 \gexec

-- database.actingUrl: ends sessions of ordinary roles (options A and D). Leave it out for read-only use. The looking
-- role gets none of this: it is always connected, and reading is all it is for.
SELECT 'CREATE ROLE dbconn_acting LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dbconn_acting') \gexec
ALTER ROLE dbconn_acting PASSWORD :'acting_password' CONNECTION LIMIT 2;
GRANT pg_monitor, pg_signal_backend TO dbconn_acting;
-- PostgreSQL 16+: with reserved_connections > 0 it acts on a full server too.
SELECT 'GRANT pg_use_reserved_connections TO dbconn_acting' WHERE current_setting('server_version_num')::int >= 160000 \gexec

-- The same role changes three settings (option B and prevention). PostgreSQL 15+; before, only a superuser may, and
-- dbconn then says what to run by hand. Leave it out where settings are managed elsewhere.
SELECT 'GRANT ALTER SYSTEM ON PARAMETER max_connections, idle_in_transaction_session_timeout, idle_session_timeout TO dbconn_acting' WHERE current_setting('server_version_num')::int >= 150000 \gexec
-- To bring a setting into force, and to tell the value before from the one that holds. Both hold in this database only.
SELECT 'GRANT EXECUTE ON FUNCTION pg_reload_conf(), pg_show_all_file_settings() TO dbconn_acting' WHERE current_setting('server_version_num')::int >= 150000 \gexec
-- A checkpoint before a restart makes the restart shorter.
SELECT 'GRANT pg_checkpoint TO dbconn_acting' WHERE current_setting('server_version_num')::int >= 150000 \gexec

-- Time-outs and a connection limit for one role (prevention), PostgreSQL 16+, for each role it may be set for (replace reports):
--   ALTER ROLE dbconn_acting CREATEROLE; GRANT reports TO dbconn_acting WITH ADMIN OPTION, INHERIT FALSE, SET FALSE;
-- Before 16 CREATEROLE is nearly a superuser's right: run ALTER ROLE by hand there.
