//! SQLite against the conformance suite, and what is SQLite's own: files, locks, epochs, refusals.

#![allow(clippy::unwrap_used, reason = "these are tests, helpers included")]

mod conformance;

use std::path::{Path, PathBuf};

use conformance::Fixture;
use sqlx::{Connection, SqliteConnection};
use store::Options;
use tempfile::TempDir;

/// A folder of its own, gone afterwards.
struct Sqlite {
    folder: TempDir,
}

impl Sqlite {
    fn database(&self) -> PathBuf {
        self.folder.path().join("data").join("hubbub.db")
    }
}

fn url(database: &Path) -> String {
    format!("sqlite://{}", database.display())
}

impl Fixture for Sqlite {
    fn create() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    fn options(&self) -> Options {
        Options::new(url(&self.database()))
    }

    async fn tamper(&self, sql: &'static str) -> Result<(), String> {
        let mut shell = SqliteConnection::connect(&url(&self.database())).await.unwrap();
        let done = sqlx::query(sql).execute(&mut shell).await;
        shell.close().await.unwrap();
        done.map(drop).map_err(|error| error.to_string())
    }

    fn bytes(&self) -> Vec<u8> {
        let files = std::fs::read_dir(self.database().parent().unwrap()).unwrap();
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect()
    }
}

suite!(Sqlite);

mod own {
    use store::{Filter, OpenError, Store, UnitError};

    use super::*;
    use crate::conformance::world::{World, everything, run};

    #[tokio::test]
    async fn a_second_store_on_the_same_data_is_refused_until_the_first_is_closed() {
        let sqlite = Sqlite::create();
        let world = World::new(sqlite.options()).await;
        let refused = Store::open(sqlite.options()).await.err().unwrap();
        assert!(matches!(refused, OpenError::Locked(_)));
        assert!(refused.to_string().starts_with("Another Hubbub is already using"), "{refused}");
        world.say("unharmed").await;
        world.store.close().await;
        Store::open(sqlite.options()).await.unwrap();
    }

    #[tokio::test]
    async fn a_database_from_a_newer_version_is_refused_and_left_as_it_is() {
        let sqlite = Sqlite::create();
        World::new(sqlite.options()).await.store.close().await;
        sqlite
            .tamper("INSERT INTO _sqlx_migrations SELECT 99, 'future', installed_on, success, checksum, 0 FROM _sqlx_migrations WHERE version = 1")
            .await
            .unwrap();
        let before = std::fs::read(sqlite.database()).unwrap();
        let refused = Store::open(sqlite.options()).await.err().unwrap();
        assert!(matches!(refused, OpenError::Newer { found: 99, .. }), "{refused:?}");
        assert!(refused.to_string().contains("newer version of Hubbub"));
        assert!(std::fs::read(sqlite.database()).unwrap() == before);
    }

    #[tokio::test]
    async fn a_file_that_is_no_database_is_refused_with_a_sentence() {
        let sqlite = Sqlite::create();
        std::fs::create_dir_all(sqlite.database().parent().unwrap()).unwrap();
        std::fs::write(sqlite.database(), "Dear diary, ".repeat(1000)).unwrap();
        let refused = Store::open(sqlite.options()).await.err().unwrap();
        assert!(matches!(refused, OpenError::Damaged { .. }), "{refused:?}");
        assert!(refused.to_string().contains("is not a Hubbub database, or it is damaged"));
    }

    #[tokio::test]
    async fn another_programs_database_is_refused_and_left_as_it_is() {
        let sqlite = Sqlite::create();
        std::fs::create_dir_all(sqlite.database().parent().unwrap()).unwrap();
        let create = format!("{}?mode=rwc", url(&sqlite.database()));
        let mut shell = SqliteConnection::connect(&create).await.unwrap();
        sqlx::query("CREATE TABLE recipes (name TEXT)").execute(&mut shell).await.unwrap();
        shell.close().await.unwrap();
        let refused = Store::open(sqlite.options()).await.err().unwrap();
        assert!(refused.to_string().contains("another program has made it"), "{refused}");
        sqlite.tamper("SELECT name FROM recipes").await.unwrap();
        assert!(sqlite.tamper("SELECT * FROM events").await.is_err());
    }

    #[tokio::test]
    async fn an_address_that_names_no_file_is_refused() {
        for url in [
            "postgres://localhost/hubbub",
            "sqlite::memory:",
            "sqlite://",
            "hubbub.db",
            "sqlite://a.db?mode=ro",
        ] {
            let refused = Store::open(Options::new(url)).await.err().unwrap();
            assert_eq!(refused, OpenError::Url(url.into()));
        }
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_made_is_refused_with_a_sentence() {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "not a folder").unwrap();
        let refused = Store::open(Options::new(url(&file.join("data/hubbub.db")))).await.err().unwrap();
        assert!(matches!(refused, OpenError::NotWritable { .. }), "{refused:?}");
        assert!(refused.to_string().contains("cannot write to"), "{refused}");
    }

    /// Root may write everywhere, so somebody else tries.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_read_only_folder_and_a_read_only_file_are_refused_with_a_sentence() {
        use std::{
            fs::{Permissions, set_permissions},
            os::unix::{fs::PermissionsExt, process::CommandExt},
            process::Command,
        };
        let may = |path: &Path, mode| set_permissions(path, Permissions::from_mode(mode)).unwrap();
        let sqlite = Sqlite::create();
        World::new(sqlite.options()).await.store.close().await;
        let (database, root) = (sqlite.database(), sqlite.folder.path());
        let folder = database.parent().unwrap();
        may(root, 0o755);
        let visitor = root.join("visitor");
        std::fs::copy(std::env::current_exe().unwrap(), &visitor).unwrap();
        may(&visitor, 0o755);
        let visit = |database: &Path| {
            let mut command = Command::new(&visitor);
            command.args(["--exact", "own::read_only_visitor", "--ignored", "--nocapture"]);
            command.env(VISITED, url(database)).current_dir("/");
            if std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
            {
                command.uid(65_534);
            }
            let output = command.output().unwrap();
            String::from_utf8(output.stdout).unwrap()
        };

        may(folder, 0o555);
        let said = visit(&folder.join("new.db"));
        assert!(said.contains("Hubbub cannot write to") && said.contains("ermission denied"), "{said}");
        let said = visit(&folder.join("deeper/new.db"));
        assert!(said.contains("Hubbub cannot write to"), "{said}");

        // Everything around it may be written, but not the database.
        may(folder, 0o777);
        for file in std::fs::read_dir(folder).unwrap() {
            may(&file.unwrap().path(), 0o666);
        }
        may(&database, 0o444);
        let said = visit(&database);
        assert!(said.contains("Hubbub cannot write to") && said.contains("hubbub.db"), "{said}");
        may(&database, 0o666);
        let said = visit(&database);
        assert!(said.contains("opened"), "the test opens what can be opened: {said}");
    }

    #[cfg(unix)]
    const VISITED: &str = "HUBBUB_TEST_VISITED_URL";

    #[cfg(unix)]
    #[tokio::test]
    #[ignore = "the test before starts it as another user"]
    async fn read_only_visitor() {
        match Store::open(Options::new(std::env::var(VISITED).unwrap())).await {
            Ok(_) => println!("opened"),
            Err(refused) => println!("{refused}"),
        }
    }

    #[tokio::test]
    async fn a_database_held_by_somebody_else_is_unavailable_for_writing_only_and_then_recovers() {
        let sqlite = Sqlite::create();
        let world = World::new(sqlite.options()).await;
        let mut shell = SqliteConnection::connect(&url(&sqlite.database())).await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut shell).await.unwrap();
        let post = world.saying("held up");
        let refused = world.store.execute(post.clone().into()).await;
        assert!(
            matches!(&refused, Err(UnitError::Unavailable(why)) if why.contains("Another program")),
            "{refused:?}"
        );
        assert!(world.store.writable().await.is_err());
        assert!(world.store.read(domain::Position::START, &Filter::everything(), 1).await.is_ok());
        sqlx::query("ROLLBACK").execute(&mut shell).await.unwrap();
        world.store.writable().await.unwrap();
        assert!(!run(&world.store, post).await.repeated);
    }

    #[tokio::test]
    async fn a_shorter_log_put_back_begins_a_new_epoch_and_forgets_snapshots() {
        let sqlite = Sqlite::create();
        let world = World::new(sqlite.options()).await;
        let epoch = world.store.epoch();
        world.store.close().await;
        let backup = std::fs::read(sqlite.database()).unwrap();

        let (store, _commits) = Store::open(sqlite.options()).await.unwrap();
        assert_eq!(store.epoch(), epoch);
        let at = run(&store, world_says(&world.ada)).await.position;
        store.save_snapshot("room_feed", 1, "lobby", at, "of the lost event").await.unwrap();
        store.close().await;

        std::fs::write(sqlite.database(), &backup).unwrap();
        let (store, _commits) = Store::open(sqlite.options()).await.unwrap();
        assert_ne!(store.epoch(), epoch);
        assert_eq!(store.load_snapshot("room_feed", 1, "lobby").await.unwrap(), None);
        let second = store.epoch();
        run(&store, world_says(&world.ada)).await;
        store.close().await;

        // The very same copy again, which still says the first epoch.
        std::fs::write(sqlite.database(), &backup).unwrap();
        let (store, _commits) = Store::open(sqlite.options()).await.unwrap();
        assert!(store.epoch() != epoch && store.epoch() != second);
        assert_eq!(everything(&store).await.len(), 2);
    }

    #[tokio::test]
    async fn a_copy_in_another_folder_begins_a_new_epoch() {
        let (first, second) = (Sqlite::create(), Sqlite::create());
        let world = World::new(first.options()).await;
        let epoch = world.store.epoch();
        world.store.close().await;
        std::fs::create_dir_all(second.database().parent().unwrap()).unwrap();
        std::fs::copy(first.database(), second.database()).unwrap();
        let (store, _commits) = Store::open(second.options()).await.unwrap();
        assert_ne!(store.epoch(), epoch);
    }

    #[tokio::test]
    async fn snapshots_put_back_from_before_a_redaction_are_emptied() {
        let sqlite = Sqlite::create();
        let world = World::new(sqlite.options()).await;
        let post = world.saying("oops");
        let at = run(&world.store, post.clone()).await.position;
        world.store.save_snapshot("room_feed", 1, "lobby", at, "oops").await.unwrap();
        world.store.close().await;
        let views = sqlite.database().with_file_name("hubbub.views.db");
        let before = std::fs::read(&views).unwrap();

        let (store, _commits) = Store::open(sqlite.options()).await.unwrap();
        assert!(store.load_snapshot("room_feed", 1, "lobby").await.unwrap().is_some());
        let message = conformance::world::message_of(&post);
        run(&store, conformance::world::deleting(world.ada, "lobby", message)).await;
        store.close().await;
        // As if the process had been killed between the commit and the emptying.
        std::fs::write(&views, before).unwrap();
        let (store, _commits) = Store::open(sqlite.options()).await.unwrap();
        assert_eq!(store.load_snapshot("room_feed", 1, "lobby").await.unwrap(), None);
        assert!(!sqlite.bytes().windows(4).any(|window| window == b"oops"));
    }

    #[tokio::test]
    async fn redacted_text_leaves_the_files_even_if_a_long_reader_was_in_the_way() {
        let sqlite = Sqlite::create();
        let world = World::new(sqlite.options()).await;
        let (first, second) = (world.saying("xylophone"), world.saying("zither"));
        for post in [&first, &second] {
            run(&world.store, post.clone()).await;
        }
        let on_disk = || sqlite.bytes().windows(9).any(|window| window == b"xylophone");
        let delete =
            |post| conformance::world::deleting(world.ada, "lobby", conformance::world::message_of(post));
        let mut shell = SqliteConnection::connect(&url(&sqlite.database())).await.unwrap();
        sqlx::query("BEGIN").execute(&mut shell).await.unwrap();
        sqlx::query("SELECT count(*) FROM events").execute(&mut shell).await.unwrap();
        run(&world.store, delete(&first)).await;
        assert!(on_disk(), "the reader still sees the old page");
        sqlx::query("ROLLBACK").execute(&mut shell).await.unwrap();
        shell.close().await.unwrap();
        run(&world.store, delete(&second)).await;
        assert!(!on_disk());
    }

    #[tokio::test]
    async fn damaged_snapshots_are_made_anew() {
        let sqlite = Sqlite::create();
        let world = World::new(sqlite.options()).await;
        world.store.save_snapshot("room_feed", 1, "lobby", world.store.head(), "doc").await.unwrap();
        world.store.close().await;
        let views = sqlite.database().with_file_name("hubbub.views.db");
        assert!(views.exists());
        std::fs::write(&views, "rubbish".repeat(2000)).unwrap();
        let (store, _commits) = Store::open(sqlite.options()).await.unwrap();
        assert_eq!(store.load_snapshot("room_feed", 1, "lobby").await.unwrap(), None);
        store.save_snapshot("room_feed", 1, "lobby", store.head(), "doc").await.unwrap();
        assert!(store.load_snapshot("room_feed", 1, "lobby").await.unwrap().is_some());
    }

    fn world_says(user: &domain::UserId) -> domain::Command {
        conformance::world::saying(*user, "lobby", "lost with the disk")
    }
}
