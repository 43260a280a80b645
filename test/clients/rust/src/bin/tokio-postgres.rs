//! tokio-postgres with pgvector-rust: binary COPY in and out, prepared statements.

use std::collections::HashMap;
use std::pin::pin;

use clients::*;
use futures_util::TryStreamExt;
use pgvector::{Bit, HalfVector, SparseVector, Vector};
use tokio_postgres::binary_copy::{BinaryCopyInWriter, BinaryCopyOutStream};
use tokio_postgres::types::{Kind, ToSql, Type};
use tokio_postgres::{Client, Error, NoTls, Row};

const PLAIN: &str = "SELECT id FROM packages ORDER BY embedding <=> $1 LIMIT 10";
const FILTERED: &str = "SELECT id FROM packages WHERE section = $2 AND size < $3 \
                        ORDER BY embedding <=> $1 LIMIT 10";

async fn get_type(client: &Client, name: &str) -> Result<Type, Error> {
    let row = client
        .query_one(
            "SELECT pg_type.oid, nspname AS schema FROM pg_type \
         INNER JOIN pg_namespace ON pg_namespace.oid = pg_type.typnamespace WHERE typname = $1",
            &[&name],
        )
        .await?;
    Ok(Type::new(
        name.into(),
        row.get("oid"),
        Kind::Simple,
        row.get("schema"),
    ))
}

fn ids(rows: Vec<Row>) -> Vec<i64> {
    rows.iter().map(|row| row.get(0)).collect()
}

/// How a query is run when the table is not scanned.
async fn explain(
    client: &mut Client,
    query: &str,
    args: &[&(dyn ToSql + Sync)],
) -> Result<Vec<String>, Error> {
    let tx = client.transaction().await?;
    tx.batch_execute("SET LOCAL enable_seqscan = off").await?;
    let rows = tx.query(&format!("EXPLAIN {query}"), args).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

async fn load(client: &Client, packages: &[Package]) -> Result<(), Error> {
    client
        .batch_execute(
            "CREATE TABLE packages (id bigint PRIMARY KEY, name text, section text, size int, \
         embedding vector(384))",
        )
        .await?;
    let vector = get_type(client, "vector").await?;
    let sink = client
        .copy_in("COPY packages FROM STDIN WITH (FORMAT BINARY)")
        .await?;
    let types = [Type::INT8, Type::TEXT, Type::TEXT, Type::INT4, vector];
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for p in &packages[..800] {
        let embedding = Vector::from(p.embedding.clone());
        writer
            .as_mut()
            .write(&[&p.id, &p.name, &p.section, &p.size, &embedding])
            .await?;
    }
    assert_eq!(writer.finish().await?, 800);
    client
        .batch_execute(
            "CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops) \
         WITH (m = 16, ef_construction = 64)",
        )
        .await?;
    let insert = client
        .prepare("INSERT INTO packages VALUES ($1, $2, $3, $4, $5)")
        .await?;
    for p in &packages[800..] {
        let embedding = Vector::from(p.embedding.clone());
        client
            .execute(&insert, &[&p.id, &p.name, &p.section, &p.size, &embedding])
            .await?;
    }
    client.batch_execute("ANALYZE packages").await
}

async fn search(client: &mut Client, questions: &[Question]) -> Result<(), Error> {
    let (plain, filtered) = (
        client.prepare(PLAIN).await?,
        client.prepare(FILTERED).await?,
    );
    let (mut all, mut some) = (Recall::default(), Recall::default());
    // As the planner likes, then by the index; often enough that PostgreSQL plans
    // them once for all.
    for settings in ["", "SET enable_seqscan = off"] {
        client.batch_execute(settings).await?;
        for q in questions {
            let v = Vector::from(q.embedding.clone());
            all.add(&ids(client.query(&plain, &[&v]).await?), &q.nearest);
            let rows = client.query(&filtered, &[&v, &q.section, &q.below]).await?;
            some.add(&ids(rows), &q.nearest_filtered);
        }
    }
    all.check();
    some.check();
    let generic: i64 = client
        .query_one(
            "SELECT max(generic_plans) FROM pg_prepared_statements WHERE statement = $1",
            &[&PLAIN],
        )
        .await?
        .get(0);
    assert!(generic > 0);
    client.batch_execute("RESET enable_seqscan").await?;
    let v = Vector::from(questions[0].embedding.clone());
    expect_index(&explain(client, PLAIN, &[&v]).await?, "nearest");
    Ok(())
}

/// The same as halfvec, sparsevec and bit, each with an index.
async fn other_types(
    client: &mut Client,
    packages: &[Package],
    questions: &[Question],
) -> Result<(), Error> {
    client.batch_execute(
        "CREATE TABLE others (id bigint, half halfvec(384), sparse sparsevec(384), bits bit(384))",
    ).await?;
    let types = [
        Type::INT8,
        get_type(client, "halfvec").await?,
        get_type(client, "sparsevec").await?,
        Type::BIT,
    ];
    let sink = client
        .copy_in("COPY others FROM STDIN WITH (FORMAT BINARY)")
        .await?;
    let mut writer = pin!(BinaryCopyInWriter::new(sink, &types));
    for p in packages {
        let half = HalfVector::from_f32_slice(&p.embedding);
        let sparse = SparseVector::from_dense(&p.embedding);
        let bits = Bit::new(&signs(&p.embedding));
        writer
            .as_mut()
            .write(&[&p.id, &half, &sparse, &bits])
            .await?;
    }
    assert_eq!(writer.finish().await?, packages.len() as u64);
    client
        .batch_execute(
            "CREATE INDEX half ON others USING hnsw (half halfvec_cosine_ops);
         CREATE INDEX sparse ON others USING hnsw (sparse sparsevec_cosine_ops);
         CREATE INDEX bits ON others USING ivfflat (bits bit_hamming_ops) WITH (lists = 5);
         ANALYZE others; SET ivfflat.probes = 5",
        )
        .await?;
    let by_half = "SELECT id FROM others ORDER BY half <=> $1 LIMIT 10";
    let by_sparse = "SELECT id FROM others ORDER BY sparse <=> $1 LIMIT 10";
    let by_bits = "SELECT bits <~> $1 FROM others ORDER BY bits <~> $1 LIMIT 10";
    let (mut half_recall, mut sparse_recall) = (Recall::default(), Recall::default());
    for q in questions {
        let half = HalfVector::from_f32_slice(&q.embedding);
        half_recall.add(&ids(client.query(by_half, &[&half]).await?), &q.nearest);
        let sparse = SparseVector::from_dense(&q.embedding);
        sparse_recall.add(&ids(client.query(by_sparse, &[&sparse]).await?), &q.nearest);
        let bits = signs(&q.embedding);
        let mut right: Vec<f64> = packages
            .iter()
            .map(|p| {
                signs(&p.embedding)
                    .iter()
                    .zip(&bits)
                    .filter(|(a, b)| a != b)
                    .count() as f64
            })
            .collect();
        right.sort_by(f64::total_cmp);
        let rows = client.query(by_bits, &[&Bit::new(&bits)]).await?;
        let got: Vec<f64> = rows.iter().map(|row| row.get(0)).collect();
        assert_eq!(got, right[..10], "Hamming distances");
    }
    half_recall.check();
    sparse_recall.check();
    let v = &questions[0].embedding;
    let half = HalfVector::from_f32_slice(v);
    expect_index(&explain(client, by_half, &[&half]).await?, "half");
    let sparse = SparseVector::from_dense(v);
    expect_index(&explain(client, by_sparse, &[&sparse]).await?, "sparse");
    expect_index(
        &explain(client, by_bits, &[&Bit::new(&signs(v))]).await?,
        "bits",
    );
    Ok(())
}

/// One row of all types and one of nulls, stored and read back.
async fn round_trips(client: &Client) -> Result<(), Error> {
    let vector = Vector::from(vec![1.0, -2.5, f32::MAX]);
    let half = HalfVector::from_f32_slice(&[1.0, -0.5, 65504.0]);
    let sparse = SparseVector::from_map(&HashMap::from([(0, 1.5), (30521, -2.0)]), 30522);
    let bits = Bit::new(&[true, false, true]);
    let many = vec![vector.clone(), Vector::from(vec![0.0, 0.0, 0.0])];
    client
        .batch_execute(
            "CREATE TABLE types (vector vector(3), half halfvec(3), sparse sparsevec(30522), \
         bits bit(3), many vector(3)[])",
        )
        .await?;
    let insert = "INSERT INTO types VALUES ($1, $2, $3, $4, $5)";
    client
        .execute(insert, &[&vector, &half, &sparse, &bits, &many])
        .await?;
    client
        .execute(
            insert,
            &[
                &None::<Vector>,
                &None::<HalfVector>,
                &None::<SparseVector>,
                &None::<Bit>,
                &None::<Vec<Vector>>,
            ],
        )
        .await?;
    let rows = client
        .query("SELECT * FROM types ORDER BY vector NULLS LAST", &[])
        .await?;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].get::<_, Vector>("vector"), vector);
    assert_eq!(rows[0].get::<_, HalfVector>("half"), half);
    assert_eq!(rows[0].get::<_, SparseVector>("sparse"), sparse);
    assert_eq!(rows[0].get::<_, Bit>("bits"), bits);
    assert_eq!(rows[0].get::<_, Vec<Vector>>("many"), many);
    assert_eq!(rows[1].get::<_, Option<Vector>>("vector"), None);
    assert_eq!(rows[1].get::<_, Option<HalfVector>>("half"), None);
    assert_eq!(rows[1].get::<_, Option<SparseVector>>("sparse"), None);
    assert_eq!(rows[1].get::<_, Option<Bit>>("bits"), None);
    assert_eq!(rows[1].get::<_, Option<Vec<Vector>>>("many"), None);

    let types = [
        get_type(client, "vector").await?,
        get_type(client, "halfvec").await?,
        get_type(client, "sparsevec").await?,
        Type::BIT,
    ];
    let stream = client
        .copy_out(
            "COPY (SELECT vector, half, sparse, bits FROM types WHERE vector IS NOT NULL) \
         TO STDOUT WITH (FORMAT BINARY)",
        )
        .await?;
    let rows: Vec<_> = BinaryCopyOutStream::new(stream, &types)
        .try_collect()
        .await?;
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0].get::<Vector>(0), vector);
    assert_eq!(rows[0].get::<HalfVector>(1), half);
    assert_eq!(rows[0].get::<SparseVector>(2), sparse);
    assert_eq!(rows[0].get::<Bit>(3), bits);

    let row = client
        .query_one(
            "SELECT $1::vector + $2, avg(x), $1::vector::halfvec, $1::vector <-> $2 \
         FROM unnest($3::vector[]) AS x",
            &[
                &Vector::from(vec![1.0, 2.0]),
                &Vector::from(vec![4.0, 6.0]),
                &vec![Vector::from(vec![1.0, 2.0]), Vector::from(vec![3.0, 5.0])],
            ],
        )
        .await?;
    assert_eq!(row.get::<_, Vector>(0), Vector::from(vec![5.0, 8.0]));
    assert_eq!(row.get::<_, Vector>(1), Vector::from(vec![2.0, 3.5]));
    assert_eq!(
        row.get::<_, HalfVector>(2),
        HalfVector::from_f32_slice(&[1.0, 2.0])
    );
    assert_eq!(row.get::<_, f64>(3), 5.0);

    for (wrong, message) in [
        (vec![1.0, 2.0], "expected 3 dimensions, not 2"),
        (vec![1.0, 2.0, f32::NAN], "NaN not allowed in vector"),
    ] {
        let failed = client
            .execute(
                "INSERT INTO types (vector) VALUES ($1)",
                &[&Vector::from(wrong)],
            )
            .await
            .unwrap_err();
        let failed = failed.as_db_error().unwrap();
        assert_eq!((failed.code().code(), failed.message()), ("22000", message));
    }
    Ok(())
}

async fn run() -> Result<(), Error> {
    let var = |name| std::env::var(name).unwrap();
    let (mut client, connection) = tokio_postgres::Config::new()
        .host(var("PGHOST"))
        .port(var("PGPORT").parse().unwrap())
        .user(var("PGUSER"))
        .password(var("PGPASSWORD"))
        .dbname(var("PGDATABASE"))
        .connect(NoTls)
        .await?;
    tokio::spawn(async move { connection.await.unwrap() });
    client
        .execute("CREATE EXTENSION IF NOT EXISTS vector", &[])
        .await?;
    let (packages, questions) = (packages(), questions());
    load(&client, &packages).await?;
    search(&mut client, &questions).await?;
    other_types(&mut client, &packages, &questions).await?;
    round_trips(&client).await
}

fn main() {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(run())
        .unwrap();
    done(
        "binary COPY in and out, prepared statements, hnsw and ivfflat, Vector, HalfVector, \
          SparseVector, Bit, arrays",
        &["tokio-postgres", "pgvector"],
    );
}
