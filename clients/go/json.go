package wab

import (
	"encoding/json"
	"errors"
	"reflect"
	"regexp"
	"strings"
	"sync"
)

// Object is what every type of a JSON object has: the members that it was read from.
type Object struct {
	// Members has every member as it was received: those that no field has, null, and the text of a number. MarshalJSON
	// writes them, except those whose field was changed since.
	Members map[string]json.RawMessage `json:"-"`
}

// shapeError is the place that isn't as in the contract: it has names of fields, never a value.
type shapeError string

func (place shapeError) Error() string { return "$" + string(place) + " is not as in the contract" }

// checker is a type that demands what its fields can't.
type checker interface{ check() error }

// read reads an object into a pointer to a struct. encoding/json alone isn't enough: it takes keys in any case, takes
// null for everything, and forgets unknown keys.
func read(data []byte, value any) error {
	members, err := membersOf(data)
	if err != nil {
		return err
	}
	target := reflect.ValueOf(value).Elem()
	target.Set(reflect.Zero(target.Type()))
	for _, field := range fieldsOf(target.Type()) {
		if err := field.read(members[field.key], target.FieldByIndex(field.index)); err != nil {
			return err
		}
	}
	target.FieldByName("Members").Set(reflect.ValueOf(members))
	if checked, ok := value.(checker); ok {
		return checked.check()
	}
	return nil
}

// write writes a struct: each field whose member still reads as the field's value, as it was read. So null, numbers and
// halves of surrogate pairs stay as they were.
func write(value any) ([]byte, error) {
	source := reflect.ValueOf(value)
	members := map[string]json.RawMessage{}
	for key, member := range source.FieldByName("Members").Interface().(map[string]json.RawMessage) {
		members[key] = member
	}
	for _, field := range fieldsOf(source.Type()) {
		current, asRead := source.FieldByIndex(field.index), reflect.New(source.FieldByIndex(field.index).Type()).Elem()
		if field.read(members[field.key], asRead) == nil && reflect.DeepEqual(current.Interface(), asRead.Interface()) {
			continue
		}
		if current.IsZero() && !field.isRequired {
			delete(members, field.key)
			continue
		}
		member, err := json.Marshal(current.Interface())
		if err != nil {
			return nil, err
		}
		members[field.key] = member
	}
	return json.Marshal(members)
}

// field is a field of a struct, and what its tags demand of its member.
type field struct {
	key        string
	index      []int
	isRequired bool
	// A member of another shape isn't an error: the field has the zero value then.
	isOpen  bool
	allowed []string
	pattern *regexp.Regexp
}

var fields sync.Map

func fieldsOf(of reflect.Type) []field {
	if found, ok := fields.Load(of); ok {
		return found.([]field)
	}
	var found []field
	for _, in := range reflect.VisibleFields(of) {
		key, option, _ := strings.Cut(in.Tag.Get("json"), ",")
		if key == "" || key == "-" {
			continue
		}
		f := field{key: key, index: in.Index, isRequired: option == "", isOpen: in.Tag.Get("open") != ""}
		f.allowed = strings.Fields(in.Tag.Get("enum"))
		if pattern, ok := in.Tag.Lookup("pattern"); ok {
			f.pattern = regexp.MustCompile(pattern)
		}
		found = append(found, f)
	}
	fields.Store(of, found)
	return found
}

// read reads a member, which is nil if it is absent, into a field with the zero value.
func (f field) read(member json.RawMessage, target reflect.Value) error {
	if raw, ok := target.Addr().Interface().(*json.RawMessage); ok {
		*raw = member
		return nil
	}
	if isAbsent(member) {
		if f.isRequired {
			return shapeError("." + f.key)
		}
		return nil
	}
	var err error
	if message, ok := target.Addr().Interface().(*Message); ok {
		*message, err = parseMessage(member, true)
	} else {
		err = json.Unmarshal(member, target.Addr().Interface())
	}
	if err == nil && !f.allows(target) {
		err = shapeError("")
	}
	if err != nil && f.isOpen {
		target.Set(reflect.Zero(target.Type()))
		return nil
	}
	if err != nil {
		var place shapeError // what else json.Unmarshal returns may quote the value
		errors.As(err, &place)
		return "." + shapeError(f.key) + place
	}
	return nil
}

func (f field) allows(value reflect.Value) bool {
	if f.pattern != nil {
		return f.pattern.MatchString(value.String())
	}
	for _, allowed := range f.allowed {
		if value.String() == allowed {
			return true
		}
	}
	return len(f.allowed) == 0
}

// How JSON of these kinds begins.
const (
	numbers = "-0123456789"
	nested  = "{["
)

// readText reads a string, or the text of JSON that begins with one of others.
func readText(data []byte, text *string, others string, pattern *regexp.Regexp) error {
	value, ok := stringOf(data)
	if !ok {
		if len(data) == 0 || strings.IndexByte(others, data[0]) < 0 {
			return shapeError("")
		}
		value = string(data)
	}
	if pattern != nil && !pattern.MatchString(value) {
		return shapeError("")
	}
	*text = value
	return nil
}

func membersOf(data []byte) (map[string]json.RawMessage, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(data, &members); err != nil || members == nil {
		return nil, shapeError("")
	}
	return members, nil
}

func stringOf(member json.RawMessage) (string, bool) {
	var text *string
	if err := json.Unmarshal(member, &text); err != nil || text == nil {
		return "", false
	}
	return *text, true
}

func isAbsent(member json.RawMessage) bool {
	return member == nil || string(member) == "null"
}
