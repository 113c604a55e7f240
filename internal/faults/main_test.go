package faults_test

import (
	"os"
	"testing"

	"github.com/seed-60f9e3ad/identity/internal/dbserver"
	"github.com/seed-60f9e3ad/identity/internal/faults"
)

func TestMain(m *testing.M) { os.Exit(faults.Run(withServers{m})) }

// withServers runs tests and then ends the database servers that they share.
type withServers struct{ *testing.M }

func (w withServers) Run() int { return dbserver.Main(w.M) }
