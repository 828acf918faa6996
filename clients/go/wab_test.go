package wab_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"example.com/wab"
)

const (
	root   = "../../"
	events = root + "infra/contracts/examples"
	golden = root + "shared/events/golden/messages"
)

func samples() string {
	if directory := os.Getenv("WAB_SAMPLES"); directory != "" {
		return directory
	}
	return root + "../shared/samples"
}

type line struct {
	place   string
	Message json.RawMessage
	View    struct{ Kind map[string]any }
}

func lines(t testing.TB, directory string) []line {
	files, err := filepath.Glob(directory + "/*.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var found []line
	for _, file := range files {
		scanner := bufio.NewScanner(strings.NewReader(read(t, file)))
		scanner.Buffer(nil, 1<<20)
		for number := 1; scanner.Scan(); number++ {
			line := line{place: fmt.Sprintf("%s:%d", filepath.Base(file), number)}
			if err := json.Unmarshal(scanner.Bytes(), &line); err != nil {
				t.Fatal(line.place, err)
			}
			found = append(found, line)
		}
		if err := scanner.Err(); err != nil {
			t.Fatal(file, err)
		}
	}
	return found
}

func read(t testing.TB, file string) string {
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// mo returns an event with this content.
func mo(t testing.TB, content string) string {
	event := decoded(t, []byte(read(t, events+"/mo-event.json"))).(map[string]any)
	event["data"].(map[string]any)["content"] = json.RawMessage(content)
	return string(encoded(t, event))
}

// decoded returns JSON for comparison, with the text of numbers.
func decoded(t testing.TB, text []byte) any {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func encoded(t testing.TB, value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func isWrittenBack(t testing.TB, value any, read []byte) bool {
	return reflect.DeepEqual(decoded(t, encoded(t, value)), decoded(t, read))
}

func eventOf(delivery wab.Delivery) any {
	switch delivery := delivery.(type) {
	case *wab.Mo:
		return delivery.Event
	case *wab.Dlr:
		return delivery.Event
	case *wab.Elsewhere:
		return delivery.Event
	}
	return nil
}

func TestEventWithoutContentSaysWhatItLacks(t *testing.T) {
	parse := func(name string) wab.Delivery {
		delivery, err := wab.Parse(read(t, events+"/"+name))
		if err != nil {
			t.Fatal(err)
		}
		return delivery
	}
	mo := parse("mo-event-content-free.json").(*wab.Mo)
	omitted := mo.Data.Omitted
	if omitted == nil || omitted.Type != "text" || omitted.SentAt != "2026-11-23T09:15:13Z" || omitted.Bytes == 0 {
		t.Error(omitted)
	}
	if mo.Message != nil || mo.Data.Source != "" || len(mo.Data.Content) != 0 {
		t.Error(mo.Data)
	}
	if dlr := parse("dlr-event-content-free.json").(*wab.Dlr); dlr.Data.Omitted == nil || dlr.Data.Status != "received" {
		t.Error(dlr.Data)
	}
	if whole := parse("mo-event.json").(*wab.Mo); whole.Data.Omitted != nil {
		t.Error(whole.Data)
	}
}

func TestEveryGoldenEventIsReadAndWrittenBack(t *testing.T) {
	kinds := map[string]string{}
	files, err := filepath.Glob(events + "/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text := read(t, file)
		delivery, err := wab.Parse(text)
		if err != nil {
			t.Fatal(file, err)
		}
		if !isWrittenBack(t, eventOf(delivery), []byte(text)) {
			t.Error(file)
		}
		kinds[filepath.Base(file)] = fmt.Sprintf("%T", delivery)
	}
	want := map[string]string{
		"dlr-event-content-free.json": "*wab.Dlr",
		"dlr-event.json":              "*wab.Dlr",
		"mo-event-binary.json":        "*wab.Mo",
		"mo-event-by-reference.json":  "*wab.Elsewhere",
		"mo-event-content-free.json":  "*wab.Mo",
		"mo-event.json":               "*wab.Mo",
	}
	if !reflect.DeepEqual(kinds, want) {
		t.Error(kinds)
	}
}

func TestEveryGoldenMessageIsReadAsInRust(t *testing.T) {
	found := lines(t, golden)
	if len(found) <= 90 {
		t.Fatal(len(found))
	}
	for _, line := range found {
		delivery, err := wab.Parse(mo(t, string(line.Message)))
		if err != nil {
			t.Fatal(line.place, err)
		}
		mo := delivery.(*wab.Mo)
		verdict := "known"
		switch mo.Message.(type) {
		case nil:
			verdict = "malformed"
		case *wab.OtherMessage:
			verdict = "unrecognized"
		}
		if _, ok := line.View.Kind[verdict]; !ok {
			t.Errorf("%s is %s: %v", line.place, verdict, line.View.Kind)
		}
		if mo.Message != nil && !isWrittenBack(t, mo.Message, line.Message) || !isWrittenBack(t, mo.Data.Content, line.Message) {
			t.Error(line.place)
		}
	}
}

func TestRecordedMessagesAreRead(t *testing.T) {
	if _, err := os.Stat(samples()); err != nil {
		t.Skip("no recorded messages")
	}
	for _, line := range lines(t, samples()) {
		message, err := wab.ParseMessage(line.Message)
		if err != nil || !isWrittenBack(t, message, line.Message) {
			t.Error(line.place, err)
		}
	}
}

func TestUnknownKeysAndTypesAreKept(t *testing.T) {
	poll := `{"id":12345678901234567890,"options":[1,2.50,null]}`
	message, err := wab.ParseMessage([]byte(`{"type":"poll","poll":` + poll + `,"text":{"body":"x"}}`))
	if other, ok := message.(*wab.OtherMessage); !ok || other.Type != "poll" || string(other.Shared().Members["poll"]) != poll {
		t.Error(message, err)
	}
	for _, content := range []string{
		`{"a":{"b":[{}]},"text":{"body":"x","new":{"c":1.10}},"type":"text"}`,
		`{"Type":"image","context":{"id":null,"new":null},"origin":null,"text":{"body":"\ud800"},"type":"text"}`,
		`{"id":1234567890123456789012,"location":{"latitude":-36.80,"longitude":"1e2","new":1},"type":"location"}`,
		`{"context":{"mentions":"all"},"image":{"caption":"","voice":false},"type":"image"}`,
		`{"edit":{"message":{"new":[1],"text":{"body":"x","new":1},"type":"text"},"original_message_id":7},"type":"edit"}`,
		`{"interactive":{"nfm_reply":{"response_json":{"a":1.0}},"payment_notification":1},"type":"interactive"}`,
	} {
		message, err := wab.ParseMessage([]byte(content))
		if _, ok := message.(*wab.OtherMessage); ok || err != nil || string(encoded(t, message)) != content {
			t.Errorf("%s: %T %v", content, message, err)
		}
	}
}

func TestMessageIsOfTheTypeThatItsKeysReveal(t *testing.T) {
	for content, want := range map[string]string{
		`{"type":"voice","audio":{},"errors":[{}]}`:        "*wab.VoiceMessage",
		`{"type":"voice","audio":null,"errors":[{}]}`:      "*wab.MessageWithoutPayload",
		`{"type":"text","text":null,"errors":[{}]}`:        "*wab.MessageWithoutPayload",
		`{"type":"text","text":{"body":""},"errors":[{}]}`: "*wab.TextMessage",
		`{"type":"interactive","errors":[{}]}`:             "*wab.InteractiveMessage",
		`{"type":"","text":{"body":""}}`:                   "*wab.UntypedMessage",
		`{"interactive":null}`:                             "*wab.UntypedMessage",
		`{"text":null,"errors":[{}]}`:                      "*wab.UntypedMessage",
		`{"text":{"body":""},"image":{}}`:                  "*wab.OtherMessage",
		`{"type":"poll","status":"sent"}`:                  "*wab.StatusUpdateMessage",
		`{"type":"poll","status":7}`:                       "*wab.OtherMessage",
		`{"type":"unsupported"}`:                           "*wab.UnsupportedMessage",
	} {
		if message, err := wab.ParseMessage([]byte(content)); fmt.Sprintf("%T", message) != want {
			t.Errorf("%s: %T, %v", content, message, err)
		}
	}
}

func TestEachTypeReadsItself(t *testing.T) {
	text := wab.Text{Body: "x"}
	if err := json.Unmarshal([]byte(`{"new":1}`), &text); err == nil || text.Body != "" {
		t.Error(text, err)
	}
	for content, value := range map[string]any{
		`{"type":"image","text":{"body":"x"}}`: new(wab.TextMessage),
		`{"type":"text","text":{"body":"x"}}`:  new(wab.UntypedMessage),
		`{"type":"voice"}`:                     new(wab.VoiceMessage),
		`7`:                                    new(wab.JSONText),
		`true`:                                 new(wab.ID),
	} {
		if json.Unmarshal([]byte(content), value) == nil {
			t.Errorf("%s is a %T", content, value)
		}
	}
	if new(wab.ID).UnmarshalJSON(nil) == nil || new(wab.Text).UnmarshalJSON(nil) == nil {
		t.Error("nothing is read")
	}
}

func TestChangedFieldIsWritten(t *testing.T) {
	message, err := wab.ParseMessage([]byte(`{"from":"1","id":2.0,"new":1,"text":{"body":"x","new":null},"type":"text"}`))
	if err != nil {
		t.Fatal(err)
	}
	message.Shared().From = ""
	message.(*wab.TextMessage).Text.Body = "y"
	message.Shared().Context = &wab.Context{Forwarded: true}
	want := `{"context":{"forwarded":true},"id":2.0,"new":1,"text":{"body":"y","new":null},"type":"text"}`
	if text := encoded(t, message); string(text) != want {
		t.Error(string(text))
	}
}

func TestMalformedMessageIsNilAndItsErrorNamesThePlace(t *testing.T) {
	for content, place := range map[string]string{
		`7`:                                    "$",
		`[]`:                                   "$",
		`null`:                                 "$",
		`{"type":7}`:                           "$.type",
		`{"type":"text","Text":{"body":"x"}}`:  "$.text",
		`{"type":"text","text":{"body":null}}`: "$.text.body",
		`{"type":"text","text":{"body":"x"},"errors":[null]}`:                     "$.errors",
		`{"type":"contacts","contacts":[{},7]}`:                                   "$.contacts",
		`{"type":"voice","voice":null}`:                                           "$.voice",
		`{"type":"text","errors":[]}`:                                             "$.text",
		`{"type":"interactive","interactive":{"type":"list_reply"}}`:              "$.interactive.list_reply",
		`{"interactive":{"type":"list_reply"}}`:                                   "$.interactive.list_reply",
		`{"text":null}`:                                                           "$.type",
		`{"type":"location","location":{"latitude":"1,5","longitude":1}}`:         "$.location.latitude",
		`{"type":"edit","edit":{"original_message_id":"a","message":{"type":5}}}`: "$.edit.message.type",
		`{"status":"sent","pricing":{"billable":"yes"}}`:                          "$.pricing.billable",
	} {
		message, err := wab.ParseMessage([]byte(content))
		if message != nil || err == nil || err.Error() != place+" is not as in the contract" {
			t.Errorf("%s: %T, %v", content, message, err)
		}
	}
}

// Reading every level of nested edits would take time that grows with the square of their number.
func TestEditWithinAnEditIsOfAnUnknownType(t *testing.T) {
	content := strings.Repeat(`{"type":"edit","edit":{"original_message_id":"a","message":`, 3000) + `{}` + strings.Repeat(`}}`, 3000)
	message, err := wab.ParseMessage([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	if inner, ok := message.(*wab.EditMessage).Edit.Message.(*wab.OtherMessage); !ok || inner.Type != "edit" {
		t.Errorf("%T", inner)
	}
}

func TestAnyTextIsADelivery(t *testing.T) {
	event, elsewhere := mo(t, "{}"), read(t, events+"/mo-event-by-reference.json")
	envelope := func(message string) string {
		return string(encoded(t, map[string]string{"Type": "Notification", "Message": message}))
	}
	for text, want := range map[string]error{
		"":                             wab.NotJSON,
		strings.Repeat("[", 1_000_000): wab.NotJSON,
		"{\"type\":\"\xff\"}":          wab.NotJSON,
		event + "x":                    wab.NotJSON,
		envelope("x"):                  wab.NotJSON,
		envelope("{}"):                 wab.NotEvent,
		"null":                         wab.NotEvent,
		"7":                            wab.NotEvent,
		"[]":                           wab.NotEvent,
		"{}":                           wab.NotEvent,
		`{"type":null}`:                wab.NotEvent,
		`{"type":"wab.mo.v1"}`:         wab.NotEvent,
		strings.Replace(event, `"1.0"`, `"2.0"`, 1):               wab.NotEvent,
		strings.Replace(event, `"id":"b48e`, `"id":"B48E`, 1):     wab.NotEvent,
		strings.Replace(event, `"data":`, `"other":`, 1):          wab.NotEvent,
		strings.Replace(event, `"wab.mo.v1"`, `"wab.mo.v2"`, 1):   wab.UnknownContract,
		strings.Replace(event, `"wab.mo.v1"`, `["wab.mo.v1"]`, 1): wab.UnknownContract,
		event:           nil,
		envelope(event): nil,
		strings.Replace(elsewhere, "wab.mo.v1", "wab.dlr.v1", 1): nil,
		strings.Replace(elsewhere, "dataref", "other", 1):        wab.NotEvent,
		mo(t, `"R0lGODlh"`): nil,
		mo(t, "7"):          nil,
		mo(t, "null"):       nil,
		mo(t, `{"type":7}`): nil,
		mo(t, `{"type":"text","text":{"body":"\ud800"}}`):          nil,
		mo(t, strings.Repeat("[", 3000)+strings.Repeat("]", 3000)): nil,
	} {
		if delivery, err := wab.Parse(text); !errors.Is(err, want) || (delivery == nil) != (want != nil) {
			t.Errorf("%.80s: %T, %v", text, delivery, err)
		}
	}
}

// The contract leaves the content and undocumented keys open. Everything else that is generated has a type.
func TestGeneratedFieldsAreTyped(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "types.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	open, count := map[string]int{}, 0
	ast.Inspect(file, func(node ast.Node) bool {
		field, ok := node.(*ast.Field)
		if !ok || field.Tag == nil {
			return true
		}
		count++
		ast.Inspect(field.Type, func(node ast.Node) bool {
			switch node := node.(type) {
			case *ast.InterfaceType:
				t.Error(field.Names)
			case *ast.Ident:
				if node.Name == "any" || node.Name == "RawMessage" {
					open[field.Names[0].Name+" "+node.Name]++
				}
			}
			return true
		})
		return true
	})
	want := map[string]int{"Content RawMessage": 1, "Unrecognized RawMessage": 2}
	if !reflect.DeepEqual(open, want) || count < 300 {
		t.Error(open, count)
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range lines(f, golden) {
		f.Add(mo(f, string(line.Message)))
	}
	for _, name := range []string{"dlr-event", "mo-event-binary", "mo-event-by-reference"} {
		f.Add(read(f, events+"/"+name+".json"))
	}
	f.Fuzz(func(t *testing.T, text string) {
		delivery, err := wab.Parse(text)
		switch err {
		case nil, wab.NotJSON, wab.NotEvent, wab.UnknownContract:
		default:
			t.Fatal(err)
		}
		if err != nil {
			return
		}
		again, err := wab.Parse(string(encoded(t, eventOf(delivery))))
		if err != nil || !isWrittenBack(t, eventOf(again), encoded(t, eventOf(delivery))) {
			t.Fatal(err)
		}
		if mo, ok := delivery.(*wab.Mo); ok && mo.Message != nil && !isWrittenBack(t, mo.Message, mo.Data.Content) {
			t.Fatal("the message changed")
		}
	})
}

func ExampleParse() {
	body := `{"specversion":"1.0","id":"b48e0ae6ab12d6a90aab59f0ecf2e500","source":"/wab/gateway","type":"wab.mo.v1",` +
		`"subject":"7c1f0c1e","time":"2026-11-23T09:15:02.417Z","datacontenttype":"application/json",` +
		`"data":{"id":"7c1f0c1e","content":{"type":"text","text":{"body":"Kia ora"}}}}`
	delivery, err := wab.Parse(body) // with or without raw message delivery
	if err != nil {
		fmt.Println(err) // to the dead-letter queue
	}
	if mo, ok := delivery.(*wab.Mo); ok {
		switch message := mo.Message.(type) {
		case *wab.TextMessage:
			fmt.Println(len(message.Text.Body), "characters")
		case *wab.OrderMessage:
			fmt.Println(len(message.Order.ProductItems), "products")
		}
	}
	// Output: 7 characters
}
