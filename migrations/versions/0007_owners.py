"""Owners of submissions as things of their own, and what API keys can do since: scopes, rotation, last use.

Valid with the previous release: its processes make keys without an owner, for which the trigger makes one with the
key's own id, as it was before. They know neither roles nor secrets that came with this release: make such keys, and
rotate, when all processes of the API are new. The trigger can go two releases later.
"""

from alembic import op

revision = "0007"
down_revision = "0006"

# Somebody whom an identity provider knows, by what it calls them; or whoever holds the keys, which nobody else names.
OWNERS = """
CREATE TABLE owners (
    id          uuid PRIMARY KEY,
    issuer      text,
    subject     text,
    created_at  timestamptz NOT NULL DEFAULT now(),
    UNIQUE (issuer, subject),
    CHECK (num_nonnulls(issuer, subject) IN (0, 2))
)
"""

# Every key was the owner of what was sent with it, so that submissions keep the ids that they have.
OWNERS_OF_KEYS = "INSERT INTO owners (id, created_at) SELECT id, created_at FROM api_keys"

# `scopes` null: all that the role may. `made_with` is the key that made it over HTTP, and ends it when it ends.
KEYS = """
ALTER TABLE api_keys
    ADD COLUMN owner_id uuid REFERENCES owners,
    ADD COLUMN scopes text[],
    ADD COLUMN made_with uuid REFERENCES api_keys,
    ADD COLUMN old_secret_sha256 bytea CHECK (octet_length(old_secret_sha256) = 32),
    ADD COLUMN old_until timestamptz,
    ADD COLUMN rotated_at timestamptz,
    ADD COLUMN last_used_at timestamptz,
    ADD CHECK (num_nonnulls(old_secret_sha256, old_until) IN (0, 2)),
    DROP CONSTRAINT api_keys_role_check,
    ADD CONSTRAINT api_keys_role_check CHECK (role IN ('admin', 'operator', 'author', 'service', 'submitter'))
"""

OWN_OWNER = """
CREATE FUNCTION api_key_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.owner_id IS NULL THEN
        INSERT INTO owners (id) VALUES (NEW.id);
        NEW.owner_id := NEW.id;
    END IF;
    RETURN NEW;
END $$
"""

# NOT VALID: what is there was right before, and owners have the ids of all keys. Nothing need be read to know it.
SUBMISSIONS = """
ALTER TABLE submissions DROP CONSTRAINT submissions_owner_id_fkey,
    ADD CONSTRAINT submissions_owner_id_fkey FOREIGN KEY (owner_id) REFERENCES owners NOT VALID
"""


def upgrade() -> None:
    """Add a table, columns of keys, and another reference of submissions."""
    op.execute(OWNERS)
    op.execute(OWNERS_OF_KEYS)
    op.execute(KEYS)
    op.execute("UPDATE api_keys SET owner_id = id")
    op.execute("ALTER TABLE api_keys ALTER COLUMN owner_id SET NOT NULL")
    op.execute("CREATE INDEX api_keys_by_owner ON api_keys (owner_id)")
    op.execute("CREATE INDEX api_keys_by_maker ON api_keys (made_with) WHERE made_with IS NOT NULL")
    op.execute(OWN_OWNER)
    op.execute("CREATE TRIGGER own_owner BEFORE INSERT ON api_keys FOR EACH ROW EXECUTE FUNCTION api_key_owner()")
    op.execute(SUBMISSIONS)
