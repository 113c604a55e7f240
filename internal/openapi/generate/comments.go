package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
)

// comment is what the source says of a type and of its members, by member name.
type comment struct {
	text    string
	members map[string]string
}

// readComments reads the comments of every struct in a folder of Go files. Where they
// speak of a field by its Go name, the description has the member's.
func readComments(folder string) (map[string]comment, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no Go files in %s: %w", folder, err)
	}
	comments := map[string]comment{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ParseComments)
		if err != nil {
			return nil, err
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			decl, ok := n.(*ast.GenDecl)
			if !ok || len(decl.Specs) != 1 {
				return true
			}
			spec, ok := decl.Specs[0].(*ast.TypeSpec)
			if !ok {
				return true
			}
			if body, ok := spec.Type.(*ast.StructType); ok {
				comments[spec.Name.Name] = commentOf(decl.Doc, body)
			}
			return true
		})
	}
	return comments, nil
}

func commentOf(doc *ast.CommentGroup, body *ast.StructType) comment {
	names := map[string]string{} // of fields: as in Go, as in JSON
	for _, field := range body.Fields.List {
		if len(field.Names) == 1 && field.Tag != nil {
			member, _, _ := strings.Cut(reflect.StructTag(strings.Trim(field.Tag.Value, "`")).Get("json"), ",")
			names[field.Names[0].Name] = member
		}
	}
	c := comment{text: described(doc.Text(), names), members: map[string]string{}}
	for _, field := range body.Fields.List {
		if len(field.Names) == 1 {
			c.members[names[field.Names[0].Name]] = described(field.Doc.Text(), names)
		}
	}
	return c
}

var (
	goWord = regexp.MustCompile(`[A-Za-z]+`)
	goLink = regexp.MustCompile(`\[([A-Z]\w*)\]`)
)

// described makes a description of a comment: lines joined, links without brackets,
// fields by their member names.
func described(text string, names map[string]string) string {
	text = strings.Join(strings.Fields(text), " ")
	text = goLink.ReplaceAllString(text, "$1")
	var b strings.Builder
	last := 0
	for _, at := range goWord.FindAllStringIndex(text, -1) {
		word := text[at[0]:at[1]]
		member, ok := names[word]
		if !ok || inside(text, at) {
			continue
		}
		b.WriteString(text[last:at[0]] + "`" + member + "`")
		last = at[1]
	}
	return b.String() + text[last:]
}

// inside reports whether the word at is part of something longer, such as /a/b or
// "x-y".
func inside(text string, at []int) bool {
	return at[0] > 0 && text[at[0]-1] != ' ' || at[1] < len(text) && !slices.Contains([]byte(" .,:;"), text[at[1]])
}
