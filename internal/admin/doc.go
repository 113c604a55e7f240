// Package admin changes what the service is made of: its configuration, its
// users and its clients. Every operation takes the Caller on whose behalf it
// runs, checks what that caller may do, validates, and writes in one
// transaction: all of it or nothing. The command line and the HTTP interface
// are two faces of it; neither decides anything.
package admin
