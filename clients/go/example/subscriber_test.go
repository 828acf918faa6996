package example

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"sort"
	"testing"
)

type shopkeeper struct{ done []string }

func (s *shopkeeper) Seen(string) (bool, error) { return false, nil }

func (s *shopkeeper) Reply(to, text string) error { return s.does("%s: %s", to, text) }

func (s *shopkeeper) Order(to string, products []string) error {
	return s.does("%s orders %s", to, products)
}

func (s *shopkeeper) Delivered(messageID string) error { return s.does("%s delivered", messageID) }

func (s *shopkeeper) does(format string, values ...any) error {
	s.done = append(s.done, fmt.Sprintf(format, values...))
	return nil
}

func TestTextIsAnsweredAndUnreadableReported(t *testing.T) {
	batch := Batch{[]Record{{"0", "not an event"}}}
	files, err := filepath.Glob("../../../infra/contracts/examples/*.json")
	if err != nil || len(files) != 6 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		batch.Records = append(batch.Records, Record{filepath.Base(file), string(body)})
	}
	shop := new(shopkeeper)
	if answer := Handle(batch, shop); !reflect.DeepEqual(answer, Answer{[]Failure{{"0"}}}) {
		t.Error(answer)
	}
	sort.Strings(shop.done)
	// A receipt without content still says what became of its message.
	delivered := "7c1f0c1e-5a52-4d0e-9b86-0d6a1f1c7d11 delivered"
	want := []string{"+6421000001: You wrote: Kia ora", delivered, delivered}
	if !reflect.DeepEqual(shop.done, want) {
		t.Error(shop.done)
	}
}
