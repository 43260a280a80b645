// Bun with pgvector-go: an index made by a hook, bulk inserts, vectors in text.
package main

import (
	"context"
	"database/sql"
	"errors"

	. "clients/common"

	"github.com/pgvector/pgvector-go"
	"github.com/uptrace/bun"
	"github.com/uptrace/bun/dialect/pgdialect"
	"github.com/uptrace/bun/driver/pgdriver"
)

type Item struct {
	bun.BaseModel `bun:"table:items"`

	ID        int64 `bun:",pk"`
	Name      string
	Section   string
	Size      int32
	Embedding pgvector.Vector `bun:"type:vector(384)"`
}

type Sample struct {
	bun.BaseModel `bun:"table:samples"`

	ID         int64                 `bun:",pk,autoincrement"`
	Embedding  pgvector.Vector       `bun:"type:vector(3)"`
	Half       pgvector.HalfVector   `bun:"type:halfvec(3)"`
	Bits       string                `bun:"type:bit(3)"`
	Sparse     pgvector.SparseVector `bun:"type:sparsevec(5)"`
	Embeddings []pgvector.Vector     `bun:"type:vector(3)[]"`
	Missing    *pgvector.Vector      `bun:"type:vector(3)"`
}

var _ bun.AfterCreateTableHook = (*Item)(nil)

func (*Item) AfterCreateTable(ctx context.Context, query *bun.CreateTableQuery) error {
	_, err := query.DB().NewCreateIndex().
		Model((*Item)(nil)).
		Index("nearest").
		ColumnExpr("embedding vector_cosine_ops").
		Using("hnsw").
		Exec(ctx)
	return err
}

var ctx = context.Background()

func search(db bun.IDB, questions []Question) {
	var all, some Recall
	for _, q := range questions {
		v := pgvector.NewVector(q.Embedding)
		var ids []int64
		Check(db.NewSelect().Model((*Item)(nil)).Column("id").
			OrderExpr("embedding <=> ?", v).Limit(10).Scan(ctx, &ids))
		all.Add(ids, q.Nearest)
		Check(db.NewSelect().Model((*Item)(nil)).Column("id").
			Where("section = ?", q.Section).Where("size < ?", q.Below).
			OrderExpr("embedding <=> ?", v).Limit(10).Scan(ctx, &ids))
		some.Add(ids, q.NearestFiltered)
	}
	all.Check()
	some.Check()
}

func samples(db *bun.DB) {
	Must(db.NewCreateTable().Model((*Sample)(nil)).Exec(ctx))
	vectors := [][]float32{{1, 1, 1}, {2, 2, 2}, {1, 1, 2}}
	var made []Sample
	for i, v := range vectors {
		made = append(made, Sample{
			Embedding: pgvector.NewVector(v), Half: pgvector.NewHalfVector(v),
			Bits:       []string{"000", "101", "111"}[i],
			Sparse:     pgvector.NewSparseVector([]float32{0, v[0], 0, v[1], v[2]}),
			Embeddings: []pgvector.Vector{pgvector.NewVector(v), pgvector.NewVector(vectors[0])},
		})
	}
	Must(db.NewInsert().Model(&made).Exec(ctx))
	var found []Sample
	Check(db.NewSelect().Model(&found).
		OrderExpr("embedding <-> ?", pgvector.NewVector(vectors[0])).Scan(ctx))
	Expect("rows", len(found), 3)
	for i, number := range []int{0, 2, 1} {
		Expect("row", found[i], made[number])
	}

	changed := pgvector.NewVector([]float32{7, 8, 9})
	found[0].Embedding, found[0].Missing = changed, &changed
	Must(db.NewUpdate().Model(&found[0]).Column("embedding", "missing").WherePK().Exec(ctx))
	var again Sample
	Check(db.NewSelect().Model(&again).Where("missing = ?", changed).Scan(ctx))
	Expect("id", again.ID, found[0].ID)
	Expect("changed", *again.Missing, changed)
	var distances []float64
	Check(db.NewSelect().Model((*Sample)(nil)).
		ColumnExpr("embedding <#> ?", pgvector.NewVector(vectors[0])).Order("id").
		Scan(ctx, &distances))
	Expect("distances", distances, []float64{-24, -6, -4})

	_, err := db.NewUpdate().Model((*Sample)(nil)).Where("TRUE").
		Set("embedding = ?", pgvector.NewVector([]float32{1})).Exec(ctx)
	var failed pgdriver.Error
	Expect("error of the server", errors.As(err, &failed), true)
	Expect("message", failed.Field('M'), "expected 3 dimensions, not 1")
}

func main() {
	packages, questions := Packages(), Questions()
	db := bun.NewDB(sql.OpenDB(pgdriver.NewConnector(pgdriver.WithInsecure(true))),
		pgdialect.New())
	defer db.Close()
	Must(db.Exec("CREATE EXTENSION IF NOT EXISTS vector"))
	Must(db.NewCreateTable().Model((*Item)(nil)).Exec(ctx))
	var items []Item
	for _, p := range packages {
		items = append(items, Item{ID: p.ID, Name: p.Name, Section: p.Section, Size: p.Size,
			Embedding: pgvector.NewVector(p.Embedding)})
	}
	Must(db.NewInsert().Model(&items).Exec(ctx))
	Must(db.Exec("ANALYZE items"))
	search(db, questions)
	Check(db.RunInTx(ctx, nil, func(ctx context.Context, tx bun.Tx) error {
		Must(tx.Exec("SET LOCAL enable_seqscan = off"))
		search(tx, questions)
		var plan []string
		query := tx.NewSelect().Model((*Item)(nil)).Column("id").
			OrderExpr("embedding <=> ?", pgvector.NewVector(questions[0].Embedding)).Limit(10)
		Check(tx.NewRaw("EXPLAIN ?", query).Scan(ctx, &plan))
		ExpectIndex(plan, "nearest")
		return nil
	}))
	samples(db)
	Done("hnsw index by AfterCreateTable, bulk insert, select, update, arrays",
		"github.com/uptrace/bun", "github.com/uptrace/bun/driver/pgdriver",
		"github.com/pgvector/pgvector-go")
}
