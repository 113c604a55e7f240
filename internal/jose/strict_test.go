package jose_test

import (
	"strings"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/jose"
)

func TestDecodeStrict(t *testing.T) {
	for name, v := range map[string]struct {
		payload string
		good    bool
	}{
		"claims":              {`{"sub":"a","exp":1}`, true},
		"unknown member":      {`{"sub":"a","exp":1,"x":{"y":[null,1.5]}}`, true},
		"white space":         {" \r\n\t{\"sub\":\"a\",\"exp\":1} \n", true},
		"escapes":             {`{"sub":"\u0061","exp":1,"x":"\ud83d\ude00 \\u0000"}`, true},
		"nothing":             {``, false},
		"null":                {`null`, false},
		"array":               {`[{"sub":"a"}]`, false},
		"number":              {`1`, false},
		"cut":                 {`{"sub":"a"`, false},
		"two":                 {`{"sub":"a"}{}`, false},
		"trailing":            {`{"sub":"a"}x`, false},
		"duplicate":           {`{"sub":"a","sub":"a"}`, false},
		"duplicate, escaped":  {`{"sub":"a","\u0073ub":"b"}`, false},
		"duplicate unknown":   {`{"sub":"a","x":1,"x":1}`, false},
		"duplicate, nested":   {`{"sub":"a","x":[{"y":1,"y":1}]}`, false},
		"not UTF-8":           {"{\"sub\":\"\xff\"}", false},
		"overlong UTF-8":      {"{\"sub\":\"\xc0\x80\"}", false},
		"lone surrogate":      {`{"sub":"\udc00"}`, false},
		"U+0000":              {`{"sub":"a\u0000b"}`, false},
		"U+0000 after slash":  {`{"sub":"a\\\u0000b"}`, false},
		"U+0000 in a name":    {`{"sub":"a","x\u0000":1}`, false},
		"raw U+0000":          {"{\"sub\":\"a\x00\"}", false},
		"string for a number": {`{"sub":"a","exp":"1"}`, false},
		"number for a string": {`{"sub":1}`, false},
		"single quotes":       {`{'sub':'a'}`, false},
		"NaN":                 {`{"sub":"a","exp":NaN}`, false},
		"deep":                {`{"sub":"a","x":` + strings.Repeat("[", 11_000) + strings.Repeat("]", 11_000) + `}`, false},
	} {
		t.Run(name, func(t *testing.T) {
			var claims struct {
				Sub string `json:"sub"`
				Exp int64  `json:"exp"`
			}
			err := jose.DecodeStrict([]byte(v.payload), &claims)
			if (err == nil) != v.good {
				t.Errorf("%v", err)
			}
			if err == nil && (claims.Sub != "a" || claims.Exp != 1) {
				t.Errorf("read %+v", claims)
			}
		})
	}
	var claims struct {
		Sub string `json:"sub"`
	}
	if err := jose.DecodeStrict([]byte(`{"SUB":"a","Sub":"b"}`), &claims); err != nil || claims.Sub != "" {
		t.Errorf("member names were folded: %+v %v", claims, err)
	}
	if err := jose.DecodeStrict([]byte(`{"sub":{"canary":1}}`), &claims); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
}
