package main

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const schemaRef = "#/components/schemas/"

// schemas makes a schema of every type that it is asked for, once.
type schemas struct {
	registry huma.Registry
	comments map[string]comment
	finished map[string]bool
}

func newSchemas(comments map[string]comment) *schemas {
	huma.DefaultArrayNullable = false // api.List is never null
	return &schemas{registry: huma.NewMapRegistry(schemaRef, huma.DefaultSchemaNamer), comments: comments, finished: map[string]bool{}}
}

// of returns the schema of a value's type: a reference for a struct.
func (s *schemas) of(v any) *huma.Schema {
	schema := s.registry.Schema(reflect.TypeOf(v), true, "")
	// A type may bring others along; the order of a map does not matter here.
	for name := range s.registry.Map() {
		s.finish(name)
	}
	return schema
}

// finish gives a schema what reflection alone does not know.
func (s *schemas) finish(name string) {
	t := s.registry.TypeFromRef(schemaRef + name)
	if s.finished[name] || t == nil {
		return
	}
	s.finished[name] = true
	typeName, _, _ := strings.Cut(t.Name(), "[")
	schema := s.registry.Map()[name]
	schema.Description = s.comments[typeName].text
	s.members(schema, name, t)
	maps.DeleteFunc(schema.Properties, func(member string, _ *huma.Schema) bool {
		return strings.ToLower(member) != member // of a Nullable, which is never shown itself
	})
	if refine := refinements[name]; refine != nil {
		refine(schema)
	}
	if strings.HasSuffix(name, "Patch") || name == "ConfigurationUpdate" {
		schema.Required = nil
	}
}

// members finishes the members of a struct, and of those that it embeds.
func (s *schemas) members(schema *huma.Schema, name string, t reflect.Type) {
	typeName, _, _ := strings.Cut(t.Name(), "[")
	for field := range t.Fields() {
		if field.Anonymous {
			s.members(schema, name, field.Type)
			continue
		}
		member, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		property := schema.Properties[member]
		if property == nil {
			continue
		}
		if inner, ok := nullable(field.Type); ok {
			property = s.registry.Schema(inner, true, "")
			property.Nullable = true
			schema.Properties[member] = property
		}
		if field.Type.Kind() == reflect.Pointer && property.Type == huma.TypeArray && !strings.Contains(field.Tag.Get("json"), "omit") {
			property.Nullable = true
		}
		if field.Type == reflect.TypeFor[json.RawMessage]() {
			property.Type = huma.TypeObject
		}
		if text := s.comments[typeName].members[member]; text != "" {
			property.Description = text
		}
		for _, key := range []string{member, name + "." + member} {
			if bound := bounds[key]; bound != nil && !slices.Contains(unbound, name+"."+member) {
				bound(property)
			}
		}
	}
}

// nullable returns the T of a field that is *api.Nullable[T].
func nullable(t reflect.Type) (inner reflect.Type, ok bool) {
	if t.Kind() != reflect.Pointer || !strings.HasPrefix(t.Elem().Name(), "Nullable[") {
		return nil, false
	}
	return t.Elem().Field(0).Type.Elem(), true
}
