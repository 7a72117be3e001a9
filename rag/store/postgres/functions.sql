-- What SQLite has and PostgreSQL lacks, as far as the store's SQL uses it.
CREATE EXTENSION IF NOT EXISTS vector;

CREATE FUNCTION json_each(list text, OUT key bigint, OUT value text) RETURNS SETOF record
    LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 100
    AS $$ SELECT place - 1, item FROM jsonb_array_elements_text(list::jsonb) WITH ORDINALITY AS items(item, place) $$;

CREATE FUNCTION instr(whole text, part text) RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT strpos(whole, part) $$;

CREATE FUNCTION substr(whole text, start bigint, length bigint) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT pg_catalog.substr(whole, start::int, length::int) $$;

CREATE FUNCTION max(one bigint, other bigint) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT greatest(one, other) $$;

CREATE FUNCTION max(one text, other text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT greatest(one COLLATE "C", other COLLATE "C") $$;

CREATE FUNCTION strftime(form text, seconds bigint, unit text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    AS $$ SELECT CASE WHEN form = '%Y-%m-%d' AND unit = 'unixepoch'
                 THEN to_char(to_timestamp(seconds) AT TIME ZONE 'UTC', 'YYYY-MM-DD') END $$;

CREATE TABLE schema_version (version bigint NOT NULL);
INSERT INTO schema_version VALUES (0);
