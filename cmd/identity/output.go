package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/spf13/cobra"
)

// outputFlag adds -o to a command and returns where its value goes.
func outputFlag(cmd *cobra.Command) *string {
	format := cmd.Flags().StringP("output", "o", "table", "form of the output: table or json")
	completeFlag(cmd, "output", "table", "json")
	cmd.PreRunE = func(*cobra.Command, []string) error {
		if *format != "table" && *format != "json" {
			return fmt.Errorf("--output: expected table or json")
		}
		return nil
	}
	return format
}

// printTable writes rows under a header, or v as JSON.
func printTable(w io.Writer, format string, v any, header string, rows [][]string) error {
	if format == "json" {
		return printJSON(w, v)
	}
	return printCells(w, append([][]string{strings.Fields(header)}, rows...))
}

// printFields writes one thing, a field a line, or v as JSON.
func printFields(w io.Writer, format string, v any, fields [][2]string) error {
	if format == "json" {
		return printJSON(w, v)
	}
	rows := make([][]string, len(fields))
	for i, f := range fields {
		rows[i] = f[:]
	}
	return printCells(w, rows)
}

func printCells(w io.Writer, rows [][]string) error {
	table := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, text := range row {
			if cells[i] = plain(text); text == "" {
				cells[i] = "-"
			}
		}
		fmt.Fprintln(table, strings.Join(cells, "\t"))
	}
	return table.Flush()
}

// printLine writes v as JSON in one line.
func printLine(w io.Writer, v any) error { return printIndented(w, v, "") }

// printJSON writes v as JSON for people too.
func printJSON(w io.Writer, v any) error { return printIndented(w, v, "  ") }

func printIndented(w io.Writer, v any, indent string) error {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", indent)
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := io.WriteString(w, steerless(text.String()))
	return err
}

// steerless is JSON as a terminal may have it. What would steer one can only be within a
// string, where it has another spelling, which the encoder uses up to U+001F only.
func steerless(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == '\n' || unicode.IsPrint(r) {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.AppendRune(nil, r) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// plain is a text of somebody else as a terminal may have it: what would steer the
// terminal is written out.
func plain(text string) string {
	if !strings.ContainsFunc(text, func(r rune) bool { return r == unicode.ReplacementChar || !unicode.IsPrint(r) }) {
		return text
	}
	return strings.Trim(strconv.QuoteToGraphic(text), `"`)
}

func list(items []string) string { return strings.Join(items, ",") }

func when(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// seconds is a lifetime that may be left to the configuration.
func seconds(n *int64) string {
	if n == nil {
		return "as configured"
	}
	return fmt.Sprintf("%d s", *n)
}
