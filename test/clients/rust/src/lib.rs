//! What the clients in Rust share: what they load and ask, and what is right.

use std::{env, fs, path::Path};

use serde_json::Value;

pub struct Package {
    pub id: i64,
    pub name: String,
    pub section: String,
    pub size: i32,
    pub embedding: Vec<f32>,
}

pub struct Question {
    pub section: String,
    pub below: i32,
    pub embedding: Vec<f32>,
    pub nearest: Vec<i64>,
    pub nearest_filtered: Vec<i64>,
}

pub fn packages() -> Vec<Package> {
    let package = |p: Value| Package {
        id: p["id"].as_i64().unwrap(),
        name: text(&p["name"]),
        section: text(&p["section"]),
        size: p["size"].as_i64().unwrap() as i32,
        embedding: floats(&p["embedding"]),
    };
    lines("packages.jsonl").map(package).collect()
}

pub fn questions() -> Vec<Question> {
    let question = |q: Value| Question {
        section: text(&q["section"]),
        below: q["below"].as_i64().unwrap() as i32,
        embedding: floats(&q["embedding"]),
        nearest: ids(&q["nearest"]),
        nearest_filtered: ids(&q["nearest_filtered"]),
    };
    lines("questions.jsonl").map(question).collect()
}

fn lines(name: &str) -> impl Iterator<Item = Value> {
    let file = Path::new(&env::var("VDB_DATA").unwrap()).join(name);
    let lines: Vec<String> = fs::read_to_string(file)
        .unwrap()
        .lines()
        .map(String::from)
        .collect();
    lines
        .into_iter()
        .map(|line| serde_json::from_str(&line).unwrap())
}

fn text(v: &Value) -> String {
    v.as_str().unwrap().to_owned()
}

fn floats(v: &Value) -> Vec<f32> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_f64().unwrap() as f32)
        .collect()
}

fn ids(v: &Value) -> Vec<i64> {
    v.as_array()
        .unwrap()
        .iter()
        .map(|x| x.as_i64().unwrap())
        .collect()
}

/// A bit for each positive number, as of binary_quantize().
pub fn signs(v: &[f32]) -> Vec<bool> {
    v.iter().map(|x| *x > 0.0).collect()
}

/// How many of the rows that are right were found, over all questions.
#[derive(Default)]
pub struct Recall {
    found: usize,
    asked: usize,
}

impl Recall {
    pub fn add(&mut self, got: &[i64], right: &[i64]) {
        assert_eq!(got.len(), right.len(), "{got:?}");
        self.found += right.iter().filter(|id| got.contains(id)).count();
        self.asked += right.len();
    }

    pub fn check(&self) {
        assert!(
            self.asked >= 60 && self.found * 100 >= self.asked * 95,
            "found {} of {}",
            self.found,
            self.asked
        );
    }
}

/// That a plan scans the index.
pub fn expect_index(plan: &[String], index: &str) {
    let plan = plan.join("\n");
    assert!(
        plan.contains(&format!("Index Scan using {index} ")),
        "{plan}"
    );
}

/// Say what was done, with which crates.
pub fn done(what: &str, crates: &[&str]) {
    let locked = include_str!("../Cargo.lock");
    let versions: Vec<String> = crates
        .iter()
        .map(|name| {
            let (_, after) = locked
                .split_once(&format!("name = \"{name}\"\nversion = \""))
                .unwrap();
            format!("{name} {}", after.split('"').next().unwrap())
        })
        .collect();
    println!("client: {}: {what}", versions.join(", "));
}
