package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"
)

// members are the members of a request body.
type members map[string]any

// given adds a member if its flag was given.
func (m members) given(cmd *cobra.Command, flag, member string, value any) {
	if cmd.Flags().Changed(flag) {
		m[member] = value
	}
}

// givenList adds a list if its flag was given. Given as an empty string it is an empty
// list.
func (m members) givenList(cmd *cobra.Command, flag, member string, values []string) {
	m.given(cmd, flag, member, append([]string{}, values...))
}

// givenSeconds adds --token-expiration if it was given; 0 is null.
func (m members) givenSeconds(cmd *cobra.Command, seconds int64) {
	if seconds == 0 {
		m.given(cmd, "token-expiration", "token_expiration", nil)
		return
	}
	m.given(cmd, "token-expiration", "token_expiration", seconds)
}

// givenOrNull adds an algorithm if its flag was given; empty is null.
func (m members) givenOrNull(cmd *cobra.Command, flag, member, text string) {
	if text == "" {
		m.given(cmd, flag, member, nil)
		return
	}
	m.given(cmd, flag, member, text)
}

// givenObject adds a JSON object if its flag was given.
func (m members) givenObject(cmd *cobra.Command, flag, member, text string) error {
	if !cmd.Flags().Changed(flag) {
		return nil
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &object); err != nil || object == nil {
		return fmt.Errorf("--%s: expected a JSON object", flag)
	}
	m[member] = object
	return nil
}
