//! Holds the house against its plan: the arrows between the crates, and ARCHITECTURE.md against the tree.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::{collections::BTreeMap, path::Path, process::Command};

use serde_json::Value;

/// From each of our crates to those of ours it may depend on. Anything else is a mistake.
const ARROWS: [(&str, &[&str]); 11] = [
    ("domain", &[]),
    ("live", &["domain"]),
    ("store", &["domain"]),
    ("hub", &["domain", "live", "store"]),
    ("services", &["domain", "hub", "store"]),
    ("backend", &["domain", "hub", "store"]),
    ("app", &["backend", "domain", "live"]),
    ("frontend", &["app"]),
    ("client", &["domain", "live"]),
    ("server", &["app", "backend", "client", "domain", "hub", "live", "services", "store"]),
    ("bench", &["client", "domain", "hub", "live", "services", "store"]),
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn packages() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--no-deps", "--offline"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn dependencies(package: &Value) -> impl Iterator<Item = &Value> {
    package["dependencies"].as_array().unwrap().iter().filter(|dependency| dependency["kind"] != "dev")
}

#[test]
fn the_arrows_between_our_crates_are_those_of_the_plan() {
    let packages = packages();
    let ours: Vec<&str> = packages.iter().map(|package| package["name"].as_str().unwrap()).collect();
    let planned = BTreeMap::from(ARROWS);
    for package in &packages {
        let name = package["name"].as_str().unwrap();
        let allowed = planned.get(name).unwrap_or_else(|| panic!("{name} is not in the plan"));
        for dependency in dependencies(package) {
            let to = dependency["name"].as_str().unwrap();
            if ours.contains(&to) {
                assert!(allowed.contains(&to), "{name} must not depend on {to}");
                let browser_too = name == "app" && to == "backend";
                assert!(!browser_too || dependency["optional"] == true, "the page must not carry {to}");
            }
        }
    }
    assert_eq!(ours.len(), ARROWS.len(), "a crate of the plan is missing");
}

#[test]
fn the_pure_crates_know_no_runtime_no_sql_and_no_page() {
    for package in packages() {
        let name = package["name"].as_str().unwrap();
        let never: &[&str] = match name {
            "domain" | "live" => &["tokio", "sqlx", "axum", "leptos", "reqwest", "tracing"],
            "hub" | "services" | "backend" => &["sqlx", "axum", "leptos"],
            "store" => &["axum", "leptos"],
            "server" => &["sqlx"],
            "client" => &["axum", "leptos", "reqwest", "sqlx"],
            // The load generator runs a yardstick (axum), and SQLite without a store around it (sqlx).
            "bench" => &["leptos", "reqwest"],
            _ => &["sqlx", "tokio"],
        };
        for dependency in dependencies(&package) {
            let to = dependency["name"].as_str().unwrap();
            assert!(!never.contains(&to), "{name} must not know {to}");
        }
    }
}

#[test]
fn every_path_that_the_architecture_names_exists_and_every_dependency_is_explained() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let quoted: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    let mut checked = 0;
    for quote in &quoted {
        let is_path = quote.contains('/')
            && !quote.starts_with('/')
            && !quote.contains([' ', '<', '*', ':', '{', '='])
            && ["app", "server", "frontend", "crates", "style", "public", "end2end", "scripts", "bench"]
                .contains(&quote.split('/').next().unwrap());
        if is_path {
            assert!(root().join(quote).exists(), "ARCHITECTURE.md names {quote}, which is not there");
            checked += 1;
        }
    }
    assert!(checked > 15, "only {checked} paths were found in ARCHITECTURE.md");
    let ours: Vec<String> = packages().iter().map(|p| p["name"].as_str().unwrap().to_owned()).collect();
    for package in packages() {
        for dependency in package["dependencies"].as_array().unwrap() {
            let name = dependency["name"].as_str().unwrap();
            let explained = ours.iter().any(|own| own == name) || quoted.contains(&name);
            assert!(explained, "ARCHITECTURE.md does not say why {name} is there");
        }
    }
}

#[test]
fn every_module_opens_with_what_it_is() {
    fn visit(folder: &Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            if path.is_dir() {
                visit(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs")
                && !std::fs::read_to_string(&path).unwrap().starts_with("//!")
            {
                found.push(path.display().to_string());
            }
        }
    }
    let mut found = vec![];
    for folder in ["app", "server", "frontend", "crates", "bench", "fuzz/fuzz_targets"] {
        visit(&root().join(folder), &mut found);
    }
    assert!(found.is_empty(), "these do not open with `//!`: {found:#?}");
}
