package api

import "time"

// HealthReport says how an installation is, as the node knows it that was asked.
type HealthReport struct {
	At time.Time `json:"at"`
	// NeedsCare reports whether any of the findings does.
	NeedsCare bool `json:"needs_care"`
	// Findings are what is not as it should be; what needs care comes first.
	Findings List[Finding] `json:"findings"`
	// Configuration is that of the installation, Settings those of the node's process.
	Configuration List[SettingValue] `json:"configuration"`
	Settings      List[SettingValue] `json:"settings"`
	Measured      HealthMeasures     `json:"measured"`
}

// Finding is one thing that is not as it should be.
type Finding struct {
	// ID is stable: an area and what it is, such as "key.old".
	ID string `json:"id"`
	// Severity is "care" where somebody has to do something, and "note" for what is worth
	// knowing.
	Severity string `json:"severity"`
	// About is what it is about; empty for the whole.
	About string `json:"about"`
	// Cause says what was found, and Cure what to do.
	Cause string `json:"cause"`
	Cure  string `json:"cure"`
}

// SettingValue is a setting and where its value comes from.
type SettingValue struct {
	Name string `json:"name"`
	// Value is "[set]" for a secret, and empty where there is none.
	Value string `json:"value"`
	// Origin is "environment", "file" for one that a variable names, "stored" in the database,
	// or "default".
	Origin string `json:"origin"`
}

// HealthMeasures is what was measured.
type HealthMeasures struct {
	// ClockOffset is how far the database's clock is ahead of the node's, in seconds.
	ClockOffset float64 `json:"clock_offset"`
	// HashTime is how long one password hash takes, in seconds; HashSlots how many may run at
	// once, on so many Cores.
	HashTime  float64 `json:"hash_time"`
	HashSlots int64   `json:"hash_slots"`
	Cores     int64   `json:"cores"`
	// ConnectionsOpen, ConnectionsInUse and ConnectionsLimit are those to the database.
	ConnectionsOpen  int64 `json:"connections_open"`
	ConnectionsInUse int64 `json:"connections_in_use"`
	ConnectionsLimit int64 `json:"connections_limit"`
	// DiskFree and DiskTotal are in bytes, of where the file of a SQLite database is; null where
	// that is not known.
	DiskFree  *int64 `json:"disk_free"`
	DiskTotal *int64 `json:"disk_total"`
	// SigningKeys is how many there are, and SigningKeyAge for how long the one has signed
	// that signs by default, in seconds; null where none does.
	SigningKeys   int64  `json:"signing_keys"`
	SigningKeyAge *int64 `json:"signing_key_age"`
}
