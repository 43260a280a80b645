//! SQLx with pgvector-rust: a pool, bulk inserts from arrays, prepared statements.

use std::collections::HashMap;

use clients::*;
use pgvector::{Bit, HalfVector, SparseVector, Vector};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::{Error, Row};

const PLAIN: &str = "SELECT id FROM packages ORDER BY embedding <=> $1 LIMIT 10";
const FILTERED: &str = "SELECT id FROM packages WHERE section = $2 AND size < $3 \
                        ORDER BY embedding <=> $1 LIMIT 10";

async fn load(pool: &PgPool, packages: &[Package]) -> Result<(), Error> {
    sqlx::query(
        "CREATE TABLE packages (id bigint PRIMARY KEY, name text, section text, size int, \
         embedding vector(384))",
    )
    .execute(pool)
    .await?;
    sqlx::query(
        "CREATE INDEX nearest ON packages USING hnsw (embedding vector_cosine_ops) \
         WITH (m = 16, ef_construction = 64)",
    )
    .execute(pool)
    .await?;
    let (many, few) = packages.split_at(900);
    let made = sqlx::query(
        "INSERT INTO packages SELECT * FROM \
         UNNEST($1::bigint[], $2::text[], $3::text[], $4::int[], $5::vector[])",
    )
    .bind(many.iter().map(|p| p.id).collect::<Vec<_>>())
    .bind(many.iter().map(|p| p.name.clone()).collect::<Vec<_>>())
    .bind(many.iter().map(|p| p.section.clone()).collect::<Vec<_>>())
    .bind(many.iter().map(|p| p.size).collect::<Vec<_>>())
    .bind(
        many.iter()
            .map(|p| Vector::from(p.embedding.clone()))
            .collect::<Vec<_>>(),
    )
    .execute(pool)
    .await?;
    assert_eq!(made.rows_affected(), 900);
    let mut tx = pool.begin().await?;
    for p in few {
        sqlx::query("INSERT INTO packages VALUES ($1, $2, $3, $4, $5)")
            .bind(p.id)
            .bind(&p.name)
            .bind(&p.section)
            .bind(p.size)
            .bind(Vector::from(p.embedding.clone()))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    sqlx::query("ANALYZE packages").execute(pool).await?;
    Ok(())
}

async fn search(pool: &PgPool, questions: &[Question]) -> Result<(), Error> {
    let (mut all, mut some) = (Recall::default(), Recall::default());
    let mut tx = pool.begin().await?;
    // As the planner likes, then by the index.  SQLx prepares both once.
    for seqscan in [
        "SET LOCAL enable_seqscan = on",
        "SET LOCAL enable_seqscan = off",
    ] {
        sqlx::query(seqscan).execute(&mut *tx).await?;
        for q in questions {
            let v = Vector::from(q.embedding.clone());
            let ids: Vec<i64> = sqlx::query_scalar(PLAIN)
                .bind(&v)
                .fetch_all(&mut *tx)
                .await?;
            all.add(&ids, &q.nearest);
            let ids: Vec<i64> = sqlx::query_scalar(FILTERED)
                .bind(&v)
                .bind(&q.section)
                .bind(q.below)
                .fetch_all(&mut *tx)
                .await?;
            some.add(&ids, &q.nearest_filtered);
        }
    }
    all.check();
    some.check();
    let plan: Vec<String> =
        sqlx::query_scalar("EXPLAIN SELECT id FROM packages ORDER BY embedding <=> $1 LIMIT 10")
            .bind(Vector::from(questions[0].embedding.clone()))
            .fetch_all(&mut *tx)
            .await?;
    expect_index(&plan, "nearest");
    tx.rollback().await
}

/// The same as halfvec, by an index on a cast.
async fn half(pool: &PgPool, questions: &[Question]) -> Result<(), Error> {
    sqlx::query(
        "CREATE INDEX half ON packages USING hnsw ((embedding::halfvec(384)) halfvec_cosine_ops)",
    )
    .execute(pool)
    .await?;
    let mut tx = pool.begin().await?;
    sqlx::query("SET LOCAL enable_seqscan = off")
        .execute(&mut *tx)
        .await?;
    let mut recall = Recall::default();
    for q in questions {
        let v = HalfVector::from_f32_slice(&q.embedding);
        let ids: Vec<i64> = sqlx::query_scalar(
            "SELECT id FROM packages ORDER BY embedding::halfvec(384) <=> $1 LIMIT 10",
        )
        .bind(v)
        .fetch_all(&mut *tx)
        .await?;
        recall.add(&ids, &q.nearest);
    }
    recall.check();
    let plan: Vec<String> = sqlx::query_scalar(
        "EXPLAIN SELECT id FROM packages ORDER BY embedding::halfvec(384) <=> $1 LIMIT 10",
    )
    .bind(HalfVector::from_f32_slice(&questions[0].embedding))
    .fetch_all(&mut *tx)
    .await?;
    expect_index(&plan, "half");
    tx.rollback().await
}

/// One row of all types and one of nulls, stored and read back.
async fn round_trips(pool: &PgPool) -> Result<(), Error> {
    let vector = Vector::from(vec![1.0, -2.5, f32::MAX]);
    let half = HalfVector::from_f32_slice(&[1.0, -0.5, 65504.0]);
    let sparse = SparseVector::from_map(&HashMap::from([(0, 1.5), (30521, -2.0)]), 30522);
    let bits = Bit::new(&[true, false, true]);
    let many = vec![vector.clone(), Vector::from(vec![0.0, 0.0, 0.0])];
    let halves = vec![half.clone()];
    sqlx::query(
        "CREATE TABLE types (vector vector(3), half halfvec(3), sparse sparsevec(30522), \
         bits bit(3), many vector(3)[], halves halfvec[])",
    )
    .execute(pool)
    .await?;
    let insert = "INSERT INTO types VALUES ($1, $2, $3, $4, $5, $6)";
    sqlx::query(insert)
        .bind(&vector)
        .bind(&half)
        .bind(&sparse)
        .bind(&bits)
        .bind(&many)
        .bind(&halves)
        .execute(pool)
        .await?;
    sqlx::query(insert)
        .bind(None::<Vector>)
        .bind(None::<HalfVector>)
        .bind(None::<SparseVector>)
        .bind(None::<Bit>)
        .bind(None::<Vec<Vector>>)
        .bind(None::<Vec<HalfVector>>)
        .execute(pool)
        .await?;
    let rows = sqlx::query("SELECT * FROM types ORDER BY vector NULLS LAST")
        .fetch_all(pool)
        .await?;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[0].try_get::<Vector, _>("vector")?, vector);
    assert_eq!(rows[0].try_get::<HalfVector, _>("half")?, half);
    assert_eq!(rows[0].try_get::<SparseVector, _>("sparse")?, sparse);
    assert_eq!(rows[0].try_get::<Bit, _>("bits")?, bits);
    assert_eq!(rows[0].try_get::<Vec<Vector>, _>("many")?, many);
    assert_eq!(rows[0].try_get::<Vec<HalfVector>, _>("halves")?, halves);
    assert_eq!(rows[1].try_get::<Option<Vector>, _>("vector")?, None);
    assert_eq!(rows[1].try_get::<Option<HalfVector>, _>("half")?, None);
    assert_eq!(rows[1].try_get::<Option<SparseVector>, _>("sparse")?, None);
    assert_eq!(rows[1].try_get::<Option<Bit>, _>("bits")?, None);
    assert_eq!(rows[1].try_get::<Option<Vec<Vector>>, _>("many")?, None);

    let distances = sqlx::query(
        "SELECT $1::vector <-> $2, $3::halfvec <#> $4, $5::sparsevec <+> $6, $7::bit(3) <~> $8",
    )
    .bind(Vector::from(vec![1.0, 2.0]))
    .bind(Vector::from(vec![4.0, 6.0]))
    .bind(HalfVector::from_f32_slice(&[1.0, 2.0]))
    .bind(HalfVector::from_f32_slice(&[3.0, 4.0]))
    .bind(SparseVector::from_dense(&[0.0, 1.5]))
    .bind(SparseVector::from_dense(&[2.0, 0.0]))
    .bind(&bits)
    .bind(Bit::new(&[false, false, true]))
    .fetch_one(pool)
    .await?;
    for (i, right) in [5.0, -11.0, 3.5, 1.0].into_iter().enumerate() {
        assert_eq!(distances.try_get::<f64, _>(i)?, right);
    }

    let failed = sqlx::query("UPDATE types SET vector = $1")
        .bind(Vector::from(vec![1.0]))
        .execute(pool)
        .await
        .unwrap_err();
    let failed = failed.as_database_error().unwrap();
    assert_eq!(
        (failed.code().as_deref(), failed.message()),
        (Some("22000"), "expected 3 dimensions, not 1")
    );
    Ok(())
}

async fn run() -> Result<(), Error> {
    // The server is in PGHOST, ...
    let pool = PgPoolOptions::new()
        .max_connections(2)
        .connect_with(PgConnectOptions::new())
        .await?;
    sqlx::query("CREATE EXTENSION IF NOT EXISTS vector")
        .execute(&pool)
        .await?;
    let questions = questions();
    load(&pool, &packages()).await?;
    search(&pool, &questions).await?;
    half(&pool, &questions).await?;
    round_trips(&pool).await
}

fn main() {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(run())
        .unwrap();
    done(
        "UNNEST of arrays, prepared statements, an index on a cast, Vector, HalfVector, \
          SparseVector, Bit, arrays",
        &["sqlx", "pgvector"],
    );
}
