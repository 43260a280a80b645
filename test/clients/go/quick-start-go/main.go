package main

import (
	"context"
	"fmt"
	"log"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"
	pgxvec "github.com/pgvector/pgvector-go/pgx"
)

func run(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, "") // PGHOST, PGDATABASE, ... tell where
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, `CREATE EXTENSION IF NOT EXISTS vecdb;
		CREATE TABLE items (id bigint PRIMARY KEY, category text, embedding vector(3));
		CREATE INDEX ON items USING hnsw (embedding vector_cosine_ops, category)`)
	if err != nil {
		return err
	}
	if err := pgxvec.RegisterTypes(ctx, conn); err != nil {
		return err
	}

	const insert = "INSERT INTO items VALUES ($1, $2, $3)"
	var batch pgx.Batch
	batch.Queue(insert, 1, "fruit", pgvector.NewVector([]float32{1, 2, 3}))
	batch.Queue(insert, 2, "fruit", pgvector.NewVector([]float32{4, 5, 6}))
	batch.Queue(insert, 3, "tool", pgvector.NewVector([]float32{1, 1, 1}))
	if err := conn.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}

	rows, err := conn.Query(ctx,
		"SELECT id FROM items WHERE category = $1 ORDER BY embedding <=> $2 LIMIT 5",
		"fruit", pgvector.NewVector([]float32{1, 2, 2}))
	if err != nil {
		return err
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	for _, id := range ids {
		fmt.Println(id)
	}
	return err
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
