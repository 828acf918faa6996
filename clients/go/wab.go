// Package wab has the events that wab publishes to Amazon SNS, as subscribers read them.
//
// [Parse] reads a delivery. What this version doesn't know never makes it fail: a message of an unknown type is an
// [OtherMessage], and unknown keys are kept.
//
// A text, a number or a flag that is absent or null has the zero value of its type. An object has nil. Each value keeps
// the members that it was read from, see [Object], so json.Marshal writes back what was read.
package wab

import (
	"encoding/json"
	"reflect"
	"unicode/utf8"
)

// Version is the version of the contract.
const Version = "0.1.0"

// Delivery is what [Parse] reads: a *Mo, a *Dlr or an *Elsewhere.
type Delivery interface {
	// EventID returns the event's id. Every delivery of an event has the same, so deduplicate by it.
	EventID() string
	delivery()
}

// Mo is a message from a WhatsApp user.
type Mo struct {
	Event *MoEvent
	Data  *MoData
	// WhatsApp's message. Nil if Data.Content is binary or malformed; it is there as it was received.
	Message Message
}

// Dlr is a delivery receipt.
type Dlr struct {
	Event *DlrEvent
	Data  *DlrData
}

// Elsewhere is an event whose callback is stored at Dataref: it was too large for SNS.
type Elsewhere struct {
	Event   Event
	Dataref string
}

// Event is a *MoEvent or a *DlrEvent.
type Event interface {
	id() string
	dataref() string
}

// Unreadable is the error of [Parse]. It has nothing of the delivery, so it may be logged.
type Unreadable string

// The values of Unreadable.
const (
	NotJSON         Unreadable = "not JSON"
	NotEvent        Unreadable = "not an event"
	UnknownContract Unreadable = "unknown contract"
)

// Error implements error.
func (u Unreadable) Error() string { return string(u) }

// EventID implements [Delivery].
func (mo *Mo) EventID() string { return mo.Event.ID }

// EventID implements [Delivery].
func (dlr *Dlr) EventID() string { return dlr.Event.ID }

// EventID implements [Delivery].
func (elsewhere *Elsewhere) EventID() string { return elsewhere.Event.id() }

func (*Mo) delivery()        {}
func (*Dlr) delivery()       {}
func (*Elsewhere) delivery() {}

func (v *MoEvent) id() string       { return v.ID }
func (v *MoEvent) dataref() string  { return v.Dataref }
func (v *DlrEvent) id() string      { return v.ID }
func (v *DlrEvent) dataref() string { return v.Dataref }

// Shared returns the part that all types share.
func (v *Head) Shared() *Head { return v }

// Parse reads a delivery: the body of an SQS message, with or without raw message delivery, or what SNS passes on. The
// error is an [Unreadable]: the delivery isn't an event, or is one of a contract that this version doesn't know.
func Parse(delivery string) (Delivery, error) {
	event := []byte(delivery)
	envelope, _ := membersOf(event)
	kind, _ := stringOf(envelope["Type"])
	if message, ok := stringOf(envelope["Message"]); ok && kind == "Notification" {
		event = []byte(message) // SNS's envelope
	}
	if !json.Valid(event) || !utf8.ValidString(delivery) {
		return nil, NotJSON
	}
	members, _ := membersOf(event)
	switch stated, _ := stringOf(members["type"]); {
	case stated == "wab.mo.v1":
		mo := new(MoEvent)
		if json.Unmarshal(event, mo) != nil {
			return nil, NotEvent
		}
		if mo.Data == nil {
			return elsewhere(mo)
		}
		message, _ := ParseMessage(mo.Data.Content)
		return &Mo{mo, mo.Data, message}, nil
	case stated == "wab.dlr.v1":
		dlr := new(DlrEvent)
		if json.Unmarshal(event, dlr) != nil {
			return nil, NotEvent
		}
		if dlr.Data == nil {
			return elsewhere(dlr)
		}
		return &Dlr{dlr, dlr.Data}, nil
	case !isAbsent(members["type"]):
		return nil, UnknownContract
	}
	return nil, NotEvent
}

func elsewhere(event Event) (Delivery, error) {
	dataref := event.dataref()
	if dataref == "" {
		return nil, NotEvent
	}
	return &Elsewhere{event, dataref}, nil
}

// ParseMessage reads a message. It fails if the message is malformed: its type is known, and it doesn't have the shape
// of that type. The error names the place, and has nothing of the message.
func ParseMessage(content []byte) (Message, error) {
	return parseMessage(content, false)
}

// An edit within an edit isn't read: each level would scan the text once more.
func parseMessage(content []byte, isEdited bool) (Message, error) {
	members, err := membersOf(content)
	if err != nil {
		return nil, err
	}
	stated, _ := stringOf(members["type"])
	payload := stated
	if stated == "" {
		payload = revealedType(members)
	}
	_, isStatus := stringOf(members["status"])
	var message Message = new(OtherMessage)
	switch {
	case payload == "edit" && isEdited:
	case known[stated] != nil:
		if without := new(MessageWithoutPayload); members["errors"] != nil && json.Unmarshal(content, without) == nil {
			return without, nil
		}
		message = known[stated]()
	case payload != stated:
		message = new(UntypedMessage)
	case isStatus:
		message = new(StatusUpdateMessage)
	}
	if err := json.Unmarshal(content, message); err != nil {
		return nil, err
	}
	return message, nil
}

// revealedType is the type of a message that states none: exactly one key is the name of a payload.
func revealedType(members map[string]json.RawMessage) string {
	revealed := ""
	for _, field := range fieldsOf(reflect.TypeOf(UntypedMessage{})) {
		isPayload := len(field.index) == 1 && field.key != "type"
		if _, ok := members[field.key]; !ok || !isPayload {
			continue
		}
		if revealed != "" {
			return ""
		}
		revealed = field.key
	}
	return revealed
}
