-- A session may be a token that was given to a program: it then has a name, and may be used for less. Whoever
-- had signed in before may do everything.
ALTER TABLE sessions ADD COLUMN name TEXT;
ALTER TABLE sessions ADD COLUMN scopes TEXT NOT NULL DEFAULT 'read command ingest manage';

CREATE INDEX sessions_by_user ON sessions (user_id, created_at);
