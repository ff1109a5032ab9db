-- A role for KEDA: it may count steps, and see nothing else. Once per database, as its owner:
--   psql -v password="$(openssl rand -hex 24)" -f scaler-role.sql
-- The connection of the secret drumscribe-scaler is then
--   postgresql://drumscribe_scaler:PASSWORD@HOST:5432/drumscribe?sslmode=require
CREATE ROLE drumscribe_scaler LOGIN PASSWORD :'password' CONNECTION LIMIT 10;
ALTER ROLE drumscribe_scaler SET default_transaction_read_only = on;
ALTER ROLE drumscribe_scaler SET statement_timeout = '5s';
GRANT SELECT (step, available_at) ON jobs TO drumscribe_scaler;
