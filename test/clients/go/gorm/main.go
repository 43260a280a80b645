// GORM with pgvector-go: tables and indexes by AutoMigrate, from tags.
package main

import (
	"errors"
	"slices"

	. "clients/common"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/pgvector/pgvector-go"
	"gorm.io/driver/postgres"
	"gorm.io/gorm"
	"gorm.io/gorm/clause"
	"gorm.io/gorm/logger"
)

type Item struct {
	ID        int64 `gorm:"primaryKey;autoIncrement:false"`
	Name      string
	Section   string
	Size      int32
	Embedding pgvector.Vector `gorm:"type:vector(384);index:nearest,type:hnsw,expression:embedding vector_cosine_ops,option:WITH (m = 16\\, ef_construction = 64)"`
}

type Sample struct {
	gorm.Model
	Embedding pgvector.Vector       `gorm:"type:vector(3);not null"`
	Half      pgvector.HalfVector   `gorm:"type:halfvec(3)"`
	Bits      string                `gorm:"type:bit(3)"`
	Sparse    pgvector.SparseVector `gorm:"type:sparsevec(5)"`
	Missing   *pgvector.Vector      `gorm:"type:vector(3)"`
}

// by orders by the cosine distance to a vector.
func by(v []float32) clause.OrderBy {
	return clause.OrderBy{Expression: clause.Expr{
		SQL: "embedding <=> ?", Vars: []any{pgvector.NewVector(v)}}}
}

func ids(items []Item) (ids []int64) {
	for _, item := range items {
		ids = append(ids, item.ID)
	}
	return ids
}

// plan says how the nearest of v are found when the table is not scanned.
func plan(db *gorm.DB, v []float32) (lines []string) {
	Check(db.Transaction(func(tx *gorm.DB) error {
		Check(tx.Exec("SET LOCAL enable_seqscan = off").Error)
		return tx.Raw("EXPLAIN SELECT id FROM items ORDER BY embedding <=> ? LIMIT 10",
			pgvector.NewVector(v)).Scan(&lines).Error
	}))
	return lines
}

func migrate(db *gorm.DB) {
	Check(db.Exec("CREATE EXTENSION IF NOT EXISTS vector").Error)
	// The second time everything is there.
	for range 2 {
		Check(db.AutoMigrate(&Item{}, &Sample{}))
	}
	m := db.Migrator()
	Expect("index", m.HasIndex(&Item{}, "nearest"), true)
	types := Must(m.ColumnTypes(&Item{}))
	at := slices.IndexFunc(types, func(t gorm.ColumnType) bool { return t.Name() == "embedding" })
	Expect("type", types[at].DatabaseTypeName(), "vector")
	full, _ := types[at].ColumnType()
	Expect("type", full, "vector(384)")
	indexes := Must(m.GetIndexes(&Item{}))
	Expect("nearest among the indexes", slices.ContainsFunc(indexes, func(i gorm.Index) bool {
		return i.Name() == "nearest"
	}), true)
	var definition string
	Check(db.Raw("SELECT indexdef FROM pg_indexes WHERE indexname = ?", "nearest").
		Scan(&definition).Error)
	Expect("index", definition, "CREATE INDEX nearest ON public.items USING hnsw"+
		" (embedding vector_cosine_ops) WITH (m='16', ef_construction='64')")
}

func search(db *gorm.DB, questions []Question) {
	var all, some Recall
	for _, q := range questions {
		var items []Item
		Check(db.Clauses(by(q.Embedding)).Limit(10).Find(&items).Error)
		all.Add(ids(items), q.Nearest)
		Check(db.Where("section = ? AND size < ?", q.Section, q.Below).
			Clauses(by(q.Embedding)).Limit(10).Find(&items).Error)
		some.Add(ids(items), q.NearestFiltered)
	}
	all.Check()
	some.Check()
	ExpectIndex(plan(db, questions[0].Embedding), "nearest")
}

func samples(db *gorm.DB) {
	vectors := [][]float32{{1, 1, 1}, {2, 2, 2}, {1, 1, 2}}
	var made []Sample
	for i, v := range vectors {
		made = append(made, Sample{
			Embedding: pgvector.NewVector(v), Half: pgvector.NewHalfVector(v),
			Bits:   []string{"000", "101", "111"}[i],
			Sparse: pgvector.NewSparseVector([]float32{0, v[0], 0, v[1], v[2]}),
		})
	}
	Check(db.Create(made).Error)
	var found []Sample
	Check(db.Clauses(clause.OrderBy{Expression: clause.Expr{
		SQL: "embedding <-> ?", Vars: []any{pgvector.NewVector(vectors[0])}}}).
		Find(&found).Error)
	for i, number := range []int{0, 2, 1} {
		Expect("id", found[i].ID, uint(number+1))
		Expect("vector", found[i].Embedding, made[number].Embedding)
		Expect("halfvec", found[i].Half, made[number].Half)
		Expect("bit", found[i].Bits, made[number].Bits)
		Expect("sparsevec", found[i].Sparse, made[number].Sparse)
		Expect("null", found[i].Missing == nil, true)
	}

	changed := pgvector.NewVector([]float32{7, 8, 9})
	Check(db.Model(&found[0]).Updates(Sample{Embedding: changed, Missing: &changed}).Error)
	var again Sample
	Check(db.First(&again, "missing = ?", changed).Error)
	Expect("id", again.ID, found[0].ID)
	Expect("changed", *again.Missing, changed)
	Check(db.Delete(&again).Error)
	var distances []float64
	Check(db.Model(&Sample{}).Select("embedding <#> ?", pgvector.NewVector([]float32{1, 1, 1})).
		Order("id").Find(&distances).Error)
	Expect("distances", distances, []float64{-6, -4})

	err := db.Session(&gorm.Session{Logger: logger.Discard}).Model(&Sample{}).Where("id = ?", 2).
		Update("embedding", pgvector.NewVector([]float32{1})).Error
	var failed *pgconn.PgError
	Expect("error of the server", errors.As(err, &failed), true)
	Expect("message", failed.Message, "expected 3 dimensions, not 1")
}

func main() {
	packages, questions := Packages(), Questions()
	// Everything in PGHOST, ...; statements are prepared.
	db := Must(gorm.Open(postgres.Open(""), &gorm.Config{PrepareStmt: true}))
	migrate(db)
	var items []Item
	for _, p := range packages {
		items = append(items, Item{p.ID, p.Name, p.Section, p.Size, pgvector.NewVector(p.Embedding)})
	}
	Check(db.CreateInBatches(items, 250).Error)
	Check(db.Exec("ANALYZE items").Error)
	search(db, questions)

	// The index goes, and comes back over the rows that are there.
	Check(db.Migrator().DropIndex(&Item{}, "nearest"))
	Check(db.Migrator().CreateIndex(&Item{}, "nearest"))
	search(db, questions)
	samples(db)
	Done("AutoMigrate with an hnsw index from tags, CreateInBatches, Find, Where, Updates, Delete",
		"gorm.io/gorm", "github.com/pgvector/pgvector-go")
}
