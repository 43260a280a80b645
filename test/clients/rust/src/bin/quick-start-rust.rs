use pgvector::Vector;
use tokio_postgres::{Error, NoTls};

async fn run(url: &str) -> Result<(), Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    client
        .batch_execute(
            "CREATE EXTENSION IF NOT EXISTS vecdb;
             CREATE TABLE items (id bigint PRIMARY KEY, category text, embedding vector(3));
             CREATE INDEX ON items USING hnsw (embedding vector_cosine_ops, category)",
        )
        .await?;

    let insert = client
        .prepare("INSERT INTO items VALUES ($1, $2, $3)")
        .await?;
    for (id, category, embedding) in [
        (1i64, "fruit", [1.0, 2.0, 3.0]),
        (2, "fruit", [4.0, 5.0, 6.0]),
        (3, "tool", [1.0, 1.0, 1.0]),
    ] {
        let embedding = Vector::from(embedding.to_vec());
        client
            .execute(&insert, &[&id, &category, &embedding])
            .await?;
    }

    let question = Vector::from(vec![1.0, 2.0, 2.0]);
    let rows = client
        .query(
            "SELECT id FROM items WHERE category = $1 ORDER BY embedding <=> $2 LIMIT 5",
            &[&"fruit", &question],
        )
        .await?;
    for row in rows {
        println!("{}", row.get::<_, i64>("id"));
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    // postgres://me@localhost/app
    let url = std::env::var("DATABASE_URL").expect("DATABASE_URL tells where");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(run(&url))
}
