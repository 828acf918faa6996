// Package example is a function that SQS invokes: it answers each text, and reports the messages that failed.
package example

import "example.com/wab"

// Batch is what SQS passes to the function: the part of aws-lambda-go's events.SQSEvent that is used here.
type Batch struct {
	Records []Record `json:"Records"`
}

// Record is a message of the queue.
type Record struct {
	MessageID string `json:"messageId"`
	Body      string `json:"body"`
}

// Answer reports the messages that failed.
type Answer struct {
	BatchItemFailures []Failure `json:"batchItemFailures"`
}

// Failure is a message that SQS delivers again.
type Failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// Shop is what the function does with events.
type Shop interface {
	// Seen reports whether this event was handled before.
	Seen(eventID string) (bool, error)
	Reply(to, text string) error
	Order(to string, products []string) error
	Delivered(messageID string) error
}

// Handle handles a batch.
func Handle(batch Batch, shop Shop) Answer {
	answer := Answer{BatchItemFailures: []Failure{}}
	for _, record := range batch.Records {
		if err := receive(record.Body, shop); err != nil {
			answer.BatchItemFailures = append(answer.BatchItemFailures, Failure{record.MessageID})
		}
	}
	return answer
}

func receive(body string, shop Shop) error {
	delivery, err := wab.Parse(body)
	if err != nil {
		return err // to the dead-letter queue
	}
	if seen, err := shop.Seen(delivery.EventID()); seen || err != nil {
		return err
	}
	switch delivery := delivery.(type) {
	case *wab.Mo:
		return answer(delivery.Data.Source, delivery.Message, shop)
	case *wab.Dlr:
		if state := delivery.Data.Delivery; state != nil && state.Current == "received" {
			return shop.Delivered(delivery.Data.ID)
		}
	}
	return nil // too large
}

func answer(from string, message wab.Message, shop Shop) error {
	switch message := message.(type) {
	case *wab.TextMessage:
		return shop.Reply(from, "You wrote: "+message.Text.Body)
	case *wab.OrderMessage:
		var products []string
		for _, item := range message.Order.ProductItems {
			products = append(products, string(item.ProductRetailerID))
		}
		return shop.Order(from, products)
	}
	return nil // not handled here: another type, binary, malformed, or newer than this package
}
