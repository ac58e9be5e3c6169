-- Who may do what in the database `shipd`: said anew each time, as a superuser who is connected to that database.
-- What it does twice changes nothing. Run it after migrations too: tables of which only some columns or some verbs are
-- for the platform's programs are named below.
--
--   shipd_owner     owns everything; migrations, and what changes tables (`shipd data`)
--   shipd           API, workers, beat: rows, and no more
--   shipd_readonly  monitoring: PostgreSQL's own numbers, and nothing of what is in the tables

DO $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY ARRAY['shipd_owner', 'shipd', 'shipd_readonly'] LOOP
        IF to_regrole(one) IS NULL THEN
            EXECUTE format('CREATE ROLE %I', one);
        END IF;
        EXECUTE format('ALTER ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS', one);
    END LOOP;
END $$;

DO $$
BEGIN
    EXECUTE format('ALTER DATABASE %I OWNER TO shipd_owner', current_database());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO shipd, shipd_readonly', current_database());
END $$;

ALTER SCHEMA public OWNER TO shipd_owner;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO shipd;
GRANT pg_monitor TO shipd_readonly;

-- What migrations make from now on.
ALTER DEFAULT PRIVILEGES FOR ROLE shipd_owner REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;
ALTER DEFAULT PRIVILEGES FOR ROLE shipd_owner IN SCHEMA public
    GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO shipd;
ALTER DEFAULT PRIVILEGES FOR ROLE shipd_owner IN SCHEMA public GRANT USAGE ON SEQUENCES TO shipd;
ALTER DEFAULT PRIVILEGES FOR ROLE shipd_owner IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO shipd;

-- What is there, whoever made it: a database that was restored, or one of a time before these roles.
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN
        SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind
        FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
        WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
            AND c.relowner <> 'shipd_owner'::regrole
            AND NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.objid = c.oid AND d.deptype IN ('a', 'i'))
    LOOP
        EXECUTE format(
            'ALTER %s %s OWNER TO shipd_owner',
            CASE one.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW'
                ELSE 'TABLE' END,
            one.name);
    END LOOP;
    FOR one IN
        SELECT p.oid::regprocedure::text AS name FROM pg_proc AS p
        WHERE p.pronamespace = 'public'::regnamespace AND p.proowner <> 'shipd_owner'::regrole
    LOOP
        EXECUTE format('ALTER ROUTINE %s OWNER TO shipd_owner', one.name);
    END LOOP;
END $$;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO shipd;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO shipd;
REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA public FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA public TO shipd;

-- Less than that.
DO $$
DECLARE
    filled text;
BEGIN
    -- Which version the schema has is for the owner to say.
    IF to_regclass('public.alembic_version') IS NOT NULL THEN
        REVOKE INSERT, UPDATE, DELETE ON public.alembic_version FROM shipd;
    END IF;
    -- The audit log is added to. What links its rows fills columns that are empty before, and only those.
    IF to_regclass('public.audit_log') IS NOT NULL THEN
        REVOKE UPDATE, DELETE ON public.audit_log FROM shipd;
        SELECT string_agg(quote_ident(attname), ', ') INTO filled FROM pg_attribute
        WHERE attrelid = 'public.audit_log'::regclass AND NOT attisdropped
            AND attname IN ('position', 'hash');
        IF filled IS NOT NULL THEN
            EXECUTE format('GRANT UPDATE (%s) ON public.audit_log TO shipd', filled);
        END IF;
    END IF;
    -- Where its chain ends is one row, which a migration makes: who chains moves it on.
    IF to_regclass('public.audit_head') IS NOT NULL THEN
        REVOKE INSERT, DELETE ON public.audit_head FROM shipd;
    END IF;
    -- The process that sweeps has partitions made, by a function that does nothing else.
    IF to_regprocedure('public.make_partition(text, uuid, uuid)') IS NOT NULL THEN
        ALTER FUNCTION public.make_partition(text, uuid, uuid) SECURITY DEFINER SET search_path = public, pg_temp;
    END IF;
END $$;
