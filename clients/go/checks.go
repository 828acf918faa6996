package wab

import "reflect"

// What the contract demands of a type, and its fields can't.

func (v *Interactive) check() error {
	value := reflect.ValueOf(v).Elem()
	for _, field := range fieldsOf(value.Type()) {
		isReply := value.FieldByIndex(field.index).Kind() == reflect.Pointer
		if isReply && field.key == v.Type && isAbsent(v.Members[field.key]) {
			return "." + shapeError(field.key)
		}
	}
	return nil
}

func (v *VoiceMessage) check() error {
	if v.Voice == nil && v.Audio == nil {
		return shapeError(".voice")
	}
	return nil
}

func (v *MessageWithoutPayload) check() error {
	hasPayload := !isAbsent(v.Members[v.Type]) || v.Type == "voice" && !isAbsent(v.Members["audio"])
	if hasPayload || len(v.Errors) == 0 {
		return shapeError(".errors")
	}
	return nil
}

func (v *UntypedMessage) check() error {
	revealed := revealedType(v.Members)
	hasPayload := !isAbsent(v.Members[revealed]) || revealed == "interactive" || len(v.Errors) > 0
	if v.Type != "" || revealed == "" || !hasPayload {
		return shapeError(".type")
	}
	return nil
}
