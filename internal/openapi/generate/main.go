// Command generate writes internal/openapi/openapi.json, the description of the whole
// HTTP interface (OpenAPI 3.1). The schemas come from the wire types of package api
// and their comments, the permissions from the route table of the administration, the
// failures from what package web answers for each kind of error. What no code says is
// in the tables here: bounds of members, and the words about each operation.
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
)

func main() {
	source := flag.String("api", "../../api", "folder of package api")
	out := flag.String("o", "openapi.json", "file to write")
	flag.Parse()
	text, err := generate(*source)
	if err == nil {
		err = os.WriteFile(*out, text, 0o644) // #nosec G306 -- it is committed for everybody to read
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1) //nolint:forbidigo // this is main
	}
}

// generate makes the document; source is the folder of package api.
func generate(source string) ([]byte, error) {
	comments, err := readComments(source)
	if err != nil {
		return nil, err
	}
	d, err := newDocument(comments)
	if err != nil {
		return nil, err
	}
	d.authentication()
	d.sessions()
	d.oauth()
	d.keys()
	d.administration()
	d.lifecycle()
	d.revocations()
	d.throttles()
	d.leaks()
	d.declaration()
	d.operations()
	if err := d.finish(); err != nil {
		return nil, err
	}
	text, err := json.Marshal(d.doc)
	if err != nil {
		return nil, err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, text, "", "  "); err != nil {
		return nil, err
	}
	pretty.WriteByte('\n')
	return pretty.Bytes(), nil
}
