// Package common is what the clients in Go share: what they load and ask, and
// what is right.
package common

import (
	"bufio"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"path"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
)

type Package struct {
	ID        int64
	Name      string
	Section   string
	Size      int32
	Embedding []float32
}

type Question struct {
	Section         string
	Below           int32
	Embedding       []float32
	Nearest         []int64
	NearestFiltered []int64 `json:"nearest_filtered"`
}

func Packages() []Package   { return lines[Package]("packages.jsonl") }
func Questions() []Question { return lines[Question]("questions.jsonl") }

func lines[T any](name string) []T {
	file := Must(os.Open(filepath.Join(os.Getenv("VDB_DATA"), name)))
	defer file.Close()
	var all []T
	for decoder := json.NewDecoder(bufio.NewReader(file)); decoder.More(); {
		var one T
		Check(decoder.Decode(&one))
		all = append(all, one)
	}
	return all
}

func Check(err error) {
	if err != nil {
		log.Panic(err)
	}
}

func Must[T any](value T, err error) T {
	Check(err)
	return value
}

func Expect(what string, got, right any) {
	if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", right) {
		log.Panicf("%s: %#v, not %#v", what, got, right)
	}
}

// Recall is how many of the rows that are right were found, over all questions.
type Recall struct{ found, asked int }

func (r *Recall) Add(got, right []int64) {
	Expect("rows", len(got), len(right))
	for _, id := range right {
		if slices.Contains(got, id) {
			r.found++
		}
	}
	r.asked += len(right)
}

func (r *Recall) Check() {
	if r.asked < 60 || float64(r.found) < 0.95*float64(r.asked) {
		log.Panicf("found %d of %d", r.found, r.asked)
	}
}

// ExpectIndex checks that a plan scans the index.
func ExpectIndex(plan []string, index string) {
	text := strings.Join(plan, "\n")
	if !strings.Contains(text, "Index Scan using "+index+" ") {
		log.Panic(text)
	}
}

// Done says what was done, with which modules.
func Done(what string, modules ...string) {
	info, _ := debug.ReadBuildInfo()
	versions := make([]string, len(modules))
	for i, module := range modules {
		at := slices.IndexFunc(info.Deps, func(m *debug.Module) bool { return m.Path == module })
		name := path.Base(strings.TrimSuffix(module, "/v5"))
		versions[i] = name + " " + strings.TrimPrefix(info.Deps[at].Version, "v")
	}
	fmt.Printf("client: %s: %s\n", strings.Join(versions, ", "), what)
}
