-- The roles dbconn needs, for a superuser to run once per server:
--   psql -v looking_password=… -v acting_password=… -f deploy/grants.sql
-- Safe to run again. Tried on PostgreSQL 13, 15 and 18.
\set ON_ERROR_STOP on

-- Looks. Sees every session's state, and nothing of any table.
SELECT 'CREATE ROLE dbconn LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dbconn') \gexec
ALTER ROLE dbconn PASSWORD :'looking_password' CONNECTION LIMIT 3;
ALTER ROLE dbconn SET statement_timeout = '3s';
ALTER ROLE dbconn SET idle_in_transaction_session_timeout = '10s';
GRANT pg_monitor TO dbconn;
-- PostgreSQL 16+: lets it in when ordinary roles are refused. Needs reserved_connections > 0 (restart).
SELECT 'GRANT pg_use_reserved_connections TO dbconn' WHERE current_setting('server_version_num')::int >= 160000 \gexec

-- Ends sessions of ordinary roles (options A and D). Leave it out to only look.
SELECT 'CREATE ROLE dbconn_acting LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'dbconn_acting') \gexec
ALTER ROLE dbconn_acting PASSWORD :'acting_password' CONNECTION LIMIT 2;
GRANT pg_monitor, pg_signal_backend TO dbconn_acting;
SELECT 'GRANT pg_use_reserved_connections TO dbconn_acting' WHERE current_setting('server_version_num')::int >= 160000 \gexec
