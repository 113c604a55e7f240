package identity

import (
	"slices"
	"strings"
)

// Permissions of this service. Others belong to the audiences and are only
// carried in tokens.
const (
	PermissionAdmin              = "identity:admin" // all of them
	PermissionConfigurationRead  = "identity:configuration:read"
	PermissionConfigurationWrite = "identity:configuration:write"
	PermissionUsersRead          = "identity:users:read"
	PermissionUsersWrite         = "identity:users:write"
	PermissionClientsRead        = "identity:clients:read"
	PermissionClientsWrite       = "identity:clients:write"
	PermissionRolesRead          = "identity:roles:read"
	PermissionRolesWrite         = "identity:roles:write"
	PermissionAudiencesRead      = "identity:audiences:read"
	PermissionAudiencesWrite     = "identity:audiences:write"
	PermissionKeysRead           = "identity:keys:read"
	PermissionKeysWrite          = "identity:keys:write"
	PermissionSessionsRead       = "identity:sessions:read"
	PermissionSessionsWrite      = "identity:sessions:write"
	PermissionTokensRead         = "identity:tokens:read"
	PermissionTokensWrite        = "identity:tokens:write"
	PermissionThrottlesRead      = "identity:throttles:read"
	PermissionThrottlesWrite     = "identity:throttles:write"
	PermissionAuditRead          = "identity:audit:read"
	PermissionHealthRead         = "identity:health:read"

	permissionPrefix = "identity:"

	// maxPermissions keeps tokens within what headers can hold.
	maxPermissions = 4096
)

// MaxHeld bounds the permissions that a principal holds directly and by roles, in
// characters, so that a token can carry them.
const MaxHeld = 2 * maxPermissions

// CheckPermissions refuses a permission that is not an RFC 6749 section 3.3
// scope-token of 1 to 128 characters, and an "identity:" permission that this
// service does not know, which would be a typing mistake that grants nothing.
func CheckPermissions(permissions []string) error {
	total := 0
	for _, p := range permissions {
		if total += len(p); total > maxPermissions {
			return InvalidField("permissions", "must have at most %d characters together: a token carries them", maxPermissions)
		}
		if !ScopeToken(p) {
			return InvalidField("permissions", "each must have 1 to 128 printable ASCII characters without space, quote and backslash")
		}
		// In any case, so that nothing can be taken for one of them.
		if OwnPermission(strings.ToLower(p)) && !knownPermission(p) {
			return InvalidField("permissions", "each that begins with %s must be one of this service: identity:admin, or such as identity:users:read", permissionPrefix)
		}
	}
	return nil
}

// OwnPermission reports whether p governs this service itself.
func OwnPermission(p string) bool { return strings.HasPrefix(p, permissionPrefix) }

func knownPermission(p string) bool {
	if p == PermissionAdmin {
		return true
	}
	resource, verb, _ := strings.Cut(strings.TrimPrefix(p, permissionPrefix), ":")
	return slices.Contains([]string{"configuration", "users", "clients", "roles", "audiences", "keys", "sessions", "tokens", "audit", "throttles", "health"}, resource) &&
		(verb == "read" || verb == "write")
}

// ScopeToken reports whether s can be a permission: a scope-token (RFC 6749 section 3.3) of 1
// to 128 characters.
func ScopeToken(s string) bool {
	return printableASCII(s, 128) && !strings.ContainsAny(s, `"\`)
}

// SortedSet returns the distinct strings of list in ascending order, and an
// empty list rather than nil.
func SortedSet(list []string) []string {
	set := append([]string{}, list...)
	slices.Sort(set)
	return slices.Compact(set)
}
