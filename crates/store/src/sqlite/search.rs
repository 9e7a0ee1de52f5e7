//! The full-text index of the stored projections, in their file: what a document is found by, and by whom.

use domain::Tokens;
use sqlx::{SqliteConnection, SqlitePool, sqlite::SqliteRow};

use super::rows::json;
use crate::projection::Projected;

/// `found` says whose words the rows of `words` are. What is deleted there, or with its generation, is taken out
/// of the index and its pages are overwritten.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS found (
        id       INTEGER PRIMARY KEY,
        name     TEXT    NOT NULL,
        number   INTEGER NOT NULL,
        key      TEXT    NOT NULL,
        audience TEXT    NOT NULL,
        UNIQUE (name, number, key)
    ) STRICT;
    CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (text, tokenize = 'unicode61 remove_diacritics 2');
    INSERT INTO words (words, rank) VALUES ('secure-delete', 1);
    CREATE TRIGGER IF NOT EXISTS found_no_more AFTER DELETE ON found BEGIN
        DELETE FROM words WHERE rowid = old.id;
    END;
    CREATE TRIGGER IF NOT EXISTS found_with_its_generation AFTER DELETE ON generations BEGIN
        DELETE FROM found WHERE name = old.name AND number = old.number;
    END;";

/// The most words of a query that count.
const MOST_WORDS: usize = 16;

/// Takes in what a generation's step has changed.
pub(super) async fn index(connection: &mut SqliteConnection, step: &Projected) -> sqlx::Result<()> {
    if step.found_by.is_empty() {
        return Ok(());
    }
    let changed: Vec<(&String, Option<(String, &String)>)> = step
        .found_by
        .iter()
        .map(|(key, found)| (key, found.as_ref().map(|found| (found.audience.to_string(), &found.text))))
        .collect();
    let changed = json(&changed);
    for statement in [
        "DELETE FROM found WHERE name = ?1 AND number = ?2
             AND key IN (SELECT value ->> 0 FROM json_each(?3))",
        "INSERT INTO found (name, number, key, audience)
         SELECT ?1, ?2, value ->> 0, value -> 1 ->> 0 FROM json_each(?3) WHERE value ->> 1 IS NOT NULL",
        "INSERT INTO words (rowid, text)
         SELECT found.id, value -> 1 ->> 1 FROM json_each(?3) AS changed CROSS JOIN found
         ON found.name = ?1 AND found.number = ?2 AND found.key = changed.value ->> 0
         WHERE changed.value ->> 1 IS NOT NULL",
    ] {
        sqlx::query(statement)
            .bind(&step.name)
            .bind(step.number)
            .bind(&changed)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// Rows of position, key and document; one without a key and a document says only where the generation stands.
pub(super) async fn find(
    pool: &SqlitePool,
    name: &str,
    query: &str,
    tokens: &Tokens,
    max: usize,
) -> sqlx::Result<Vec<SqliteRow>> {
    let tokens: Vec<String> = tokens.iter().map(ToString::to_string).collect();
    sqlx::query(
        "SELECT pos, hits.key, hits.doc FROM generations LEFT JOIN
             (SELECT found.key, docs.doc, words.rank, found.id
              FROM words JOIN found ON found.id = words.rowid
                  JOIN docs ON docs.name = found.name AND docs.number = found.number AND docs.key = found.key
              WHERE words MATCH ?2 AND found.name = ?1 AND found.number =
                      (SELECT number FROM generations WHERE name = ?1 AND stage = 'live')
                  AND EXISTS (SELECT 1 FROM json_each(?3)
                              WHERE instr(' ' || found.audience || ' ', ' ' || value || ' ') > 0)
              ORDER BY words.rank, found.id DESC LIMIT ?4) AS hits ON true
         WHERE generations.name = ?1 AND stage = 'live' ORDER BY hits.rank, hits.id DESC",
    )
    .bind(name)
    .bind(expression(query))
    .bind(json(&tokens))
    .bind(i64::try_from(max).unwrap_or(i64::MAX))
    .fetch_all(pool)
    .await
}

/// A query as the index understands it: every word, as the beginning of one. Nothing in it is an operator.
fn expression(query: &str) -> String {
    let words = query.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let quoted: Vec<String> = words.take(MOST_WORDS).map(|word| format!("\"{word}\"*")).collect();
    if quoted.is_empty() { "\"\"".to_owned() } else { quoted.join(" ") }
}

#[cfg(test)]
mod tests {
    use super::expression;

    #[test]
    fn whatever_is_typed_is_words_and_no_operators() {
        assert_eq!(expression("hello wor"), "\"hello\"* \"wor\"*");
        assert_eq!(expression("a\" OR text:b* \0(c)"), "\"a\"* \"OR\"* \"text\"* \"b\"* \"c\"*");
        assert_eq!(expression("- \"\" *"), "\"\"");
        assert_eq!(expression(&"x ".repeat(99)).len(), 16 * 5 - 1);
    }
}
