package ec2

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// encoder writes the SDK's instances as the variables that Ansible's aws_ec2
// plugin gives them: snake_case, tags as a dict, what is absent left out, and
// owner_id, requester_id, reservation_id and placement.region added. The
// output is canonical JSON, written in one pass: at a hundred thousand
// machines the way over maps would take most of the time of all.
type encoder struct {
	plans   sync.Map // reflect.Type to []field
	scratch sync.Pool
}

// field is one member of an object, in the order in which it is written.
type field struct {
	name  string
	index int // of the struct's field; negative for what extra has
}

// extra is what the variables have beyond the SDK's own fields.
type extra struct {
	ownerID, requesterID, reservationID, region string
	tags                                        []byte
}

var (
	instanceType  = reflect.TypeFor[types.Instance]()
	placementType = reflect.TypeFor[types.Placement]()
	timeType      = reflect.TypeFor[time.Time]()
)

func (e *encoder) vars(i *types.Instance, x extra) json.RawMessage {
	x.tags = tagsOf(i.Tags)
	scratch, _ := e.scratch.Get().(*[]byte)
	if scratch == nil {
		scratch = new([]byte)
	}
	*scratch = e.object((*scratch)[:0], reflect.ValueOf(i).Elem(), &x)
	// As many documents are held as there are machines: no byte too many.
	document := bytes.Clone(*scratch)
	e.scratch.Put(scratch)
	return document
}

// plan lists the fields of a struct by their snake_case names, in order.
func (e *encoder) plan(t reflect.Type) []field {
	if p, ok := e.plans.Load(t); ok {
		return p.([]field)
	}
	var plan []field
	for i := range t.NumField() {
		if f := t.Field(i); f.IsExported() && f.Name != "ResultMetadata" {
			plan = append(plan, field{instance.Snake(f.Name), i})
		}
	}
	for _, name := range extraNames(t) {
		plan = slices.DeleteFunc(plan, func(f field) bool { return f.name == name })
		plan = append(plan, field{name, -1})
	}
	slices.SortFunc(plan, func(a, b field) int { return strings.Compare(a.name, b.name) })
	e.plans.Store(t, plan)
	return plan
}

func extraNames(t reflect.Type) []string {
	switch t {
	case instanceType:
		return []string{"owner_id", "requester_id", "reservation_id", "tags"}
	case placementType:
		return []string{"region"}
	}
	return nil
}

// object writes a struct. What is nil or an unset enumeration is left out.
func (e *encoder) object(b []byte, v reflect.Value, x *extra) []byte {
	b = append(b, '{')
	for _, f := range e.plan(v.Type()) {
		mark := len(b)
		if mark > 1 && b[mark-1] != '{' {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, f.name...)
		b = append(b, '"', ':')
		before := len(b)
		if f.index < 0 {
			b = x.append(b, f.name)
		} else {
			b = e.value(b, v.Field(f.index), x)
		}
		if len(b) == before {
			b = b[:mark]
		}
	}
	return append(b, '}')
}

func (x *extra) append(b []byte, name string) []byte {
	switch name {
	case "tags":
		return append(b, x.tags...)
	case "owner_id":
		return instance.AppendText(b, x.ownerID)
	case "reservation_id":
		return instance.AppendText(b, x.reservationID)
	case "requester_id":
		return instance.AppendText(b, x.requesterID)
	}
	return instance.AppendText(b, x.region)
}

// value writes any value, or nothing if it is absent.
func (e *encoder) value(b []byte, v reflect.Value, x *extra) []byte {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return b
		}
		return e.value(b, v.Elem(), x)
	case reflect.Struct:
		if v.Type() == timeType {
			return instance.AppendText(b, v.Interface().(time.Time).UTC().Format("2006-01-02T15:04:05-07:00"))
		}
		return e.object(b, v, x)
	case reflect.Slice:
		if v.IsNil() {
			return b
		}
		b = append(b, '[')
		for i := range v.Len() {
			if i > 0 {
				b = append(b, ',')
			}
			b = e.value(b, v.Index(i), x)
		}
		return append(b, ']')
	case reflect.String:
		if v.Len() == 0 && v.Type().PkgPath() != "" {
			return b // an enumeration that isn't set
		}
		return instance.AppendText(b, v.String())
	case reflect.Bool:
		return strconv.AppendBool(b, v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.AppendInt(b, v.Int(), 10)
	case reflect.Float64, reflect.Float32:
		return strconv.AppendFloat(b, v.Float(), 'g', -1, 64)
	}
	return b
}

// tagsOf writes tags as a dict, sorted by key.
func tagsOf(tags []types.Tag) []byte {
	sorted := slices.Clone(tags)
	slices.SortFunc(sorted, func(a, b types.Tag) int { return strings.Compare(deref(a.Key), deref(b.Key)) })
	b := []byte{'{'}
	for i, t := range sorted {
		if i > 0 {
			b = append(b, ',')
		}
		b = instance.AppendText(b, deref(t.Key))
		b = append(b, ':')
		b = instance.AppendText(b, deref(t.Value))
	}
	return append(b, '}')
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}
