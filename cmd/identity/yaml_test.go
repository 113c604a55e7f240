package main

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"
)

// What not every reader of YAML takes for the same is refused, with its line, and nothing of
// it is repeated.
func TestYAMLIsStrict(t *testing.T) {
	const canary = "c4nArYinYAML"
	for name, text := range map[string]string{
		"empty": "", "a comment": "# nothing\n", "two documents": "a: 1\n---\nb: 2\n", "something after it": "{a: 1}\n}\n", "an anchor": "a: &x 1\n", "an alias": "a: &x 1\nb: *x\n",
		"a merge": "a: &x {b: 1}\nc:\n  <<: *x\n", "a tag": "a: !!str 1\n", "a tag of its own": "a: !" + canary + " 1\n", "a member twice": canary + ": 1\n" + canary + ": 2\n",
		"a number as a name": "1: a\n", "a list as a name": "? [a]\n: 1\n", "hexadecimal": "a: 0x10\n", "octal": "a: 0o17\n", "leading zero": "a: 017\n", "underscores": "a: 1_000\n", "infinity": "a: .inf\n",
		"no number": "a: .nan\n", "a sign": "a: +1\n", "an open fraction": "a: 1.\n", "True": "a: True\n", "a tab": "a:\n\tb: " + canary + "\n", "no YAML": "a: [" + canary + "\n", "binary": "a: \x00\xff\n",
		"deep": strings.Repeat("[", 40) + strings.Repeat("]", 40), "large": "a: " + strings.Repeat("x", mostYAML), "a bomb": "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\nd: [*c,*c]\n",
	} {
		d, err := readYAML(strings.NewReader(text))
		if err == nil {
			t.Errorf("%s is taken: %s", name, d.JSON())
		} else if strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is taken means the same in JSON.
func TestYAMLIsJSON(t *testing.T) {
	for text, want := range map[string]string{
		"a: 1\nb: [x, 'y', \"z\\n\"]\nc: {d: true, e: null, f: ~}\n": `{"a":1,"b":["x","y","z\n"],"c":{"d":true,"e":null,"f":null}}`,
		"a: 9007199254740993\nb: -1.5e3\n":                           `{"a":9007199254740993,"b":-1.5e3}`,
		"a: no\nb: on\nc: 2020-01-01\nd: 1:30\ne: 10.0.0.1\n":        `{"a":"no","b":"on","c":"2020-01-01","d":"1:30","e":"10.0.0.1"}`,
		"a: |\n  line\n  line\nb: >-\n  x\n  y\n":                    `{"a":"line\nline\n","b":"x y"}`,
		"{\"a\": \"<é😀>\"}":                                          `{"a":"<é😀>"}`,
		"a:\n":                                                       `{"a":null}`,
	} {
		d, err := readYAML(strings.NewReader(text))
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got := string(d.JSON()); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}

func TestLinesOfYAML(t *testing.T) {
	d, err := readYAML(strings.NewReader("version: 1\nroles:\n  - name: a\n  - name: b\n    permissions: [x]\n"))
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{"": 1, "version": 1, "roles": 3, "roles 1": 4, "roles 1 permissions": 5, "roles 1 other": 4, "roles 9": 3, "users": 1} {
		if got := d.line(strings.Fields(path)); got != want {
			t.Errorf("%q is in line %d, want %d", path, got, want)
		}
	}
}

// FuzzYAML: what is read as YAML is the JSON that it says it is, and comes back the same
// when it is written as YAML.
func FuzzYAML(f *testing.F) {
	for _, seed := range []string{
		"version: 1\nroles:\n  - name: a\n", "a: &x 1\nb: *x\n", "{\"a\": [1, null, \"x\"]}", "a: |\n  b\n", "? a\n: b\n", "a: 'it''s'\n", "- 1\n- 2\n", "a: \"\\u0000\"\n", "a: 1e999\n",
		"a: \"yes\"\nb: \"1\"\nc: \"null\"\nd: \"~\"\ne: \"2020-01-01\"\nf: \"0x1\"\ng: \"<<\"\n", "a: \"\\u2028\\x85\\ttab \\n\"\n", "a: \" \"\nb: \"#x\"\nc: \"- x\"\nd: \": x\"\n", "%YAML 1.2\n---\na: 1\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := readYAML(strings.NewReader(text))
		if err != nil {
			return
		}
		var meant, again any
		if err := json.Unmarshal(d.JSON(), &meant); err != nil {
			if strings.Contains(err.Error(), "cannot unmarshal number") { // larger than this reader's numbers
				return
			}
			t.Fatalf("%q is %s: %v", text, d.JSON(), err)
		}
		var written bytes.Buffer
		if err := writeYAML(&written, d.JSON()); err != nil {
			t.Fatalf("%q is %s, which is not written: %v", text, d.JSON(), err)
		}
		back, err := readYAML(&written)
		if err != nil {
			t.Fatalf("%s was written as\n%s: %v", d.JSON(), written.String(), err)
		}
		if err := json.Unmarshal(back.JSON(), &again); err != nil || !reflect.DeepEqual(meant, again) {
			t.Fatalf("%s came back as %s", d.JSON(), back.JSON())
		}
	})
}

// The file of docs/apply.md is one.
func TestDeclarationOfTheManual(t *testing.T) {
	text, err := os.ReadFile("../../docs/apply.md")
	if err != nil {
		t.Fatal(err)
	}
	_, after, _ := strings.Cut(string(text), "```yaml\n")
	example, _, found := strings.Cut(after, "```")
	if d, err := readYAML(strings.NewReader(example)); err != nil || !found || d.line([]string{"clients", "0", "keys"}) == 1 {
		t.Errorf("%v", err)
	}
}
