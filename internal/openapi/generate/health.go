package main

import (
	"github.com/danielgtaylor/huma/v2"

	"github.com/seed-60f9e3ad/identity/api"
)

// healthReport says how an installation is.
func (d *document) healthReport() {
	at := exampleAt()
	const room = 40 << 30
	free, age := int64(room), int64(86400*400)
	least, most := 1.0, 3650.0
	d.add(operation{
		method: "GET", path: "/api/health-report", id: "getHealthReport", tag: "Operations", summary: "Say what is not as it should be, why, and what to do",
		text: "The configuration and the settings of the node that answers, with the origin of each; what was measured; and the findings: keys that are old, secrets that nobody uses, clocks that differ. " +
			"`identity doctor` shows it, and adds what verifiers see of the issuer.",
		parameters: parameters(query("unused_days", "After how many days without use something is said to be unused.", &huma.Schema{Type: huma.TypeInteger, Minimum: &least, Maximum: &most, Default: 90})),
		success: []answer{{status: 200, text: "The report.", body: api.HealthReport{}, examples: []example{{"report", "A key that nobody replaces", api.HealthReport{
			At: at, NeedsCare: true,
			Findings: api.List[api.Finding]{{
				ID: "key.old", Severity: "care", About: exampleKID, Cause: "The ES256 key has signed for 400 days, and nothing is set that replaces it.",
				Cure: "identity config set --key-rotation-interval 7776000 (90 days) has keys replaced by themselves.",
			}},
			Configuration: api.List[api.SettingValue]{{Name: "jwt_expiration", Value: "900", Origin: "default"}},
			Settings:      api.List[api.SettingValue]{{Name: "ENCRYPTION_KEY", Value: "[set]", Origin: "file"}, {Name: "PORT", Value: "8080", Origin: "default"}},
			Measured: api.HealthMeasures{
				HashTime: 0.0083, HashSlots: 2, Cores: 2, ConnectionsOpen: 3, ConnectionsLimit: 20, DiskFree: &free, DiskTotal: &free, SigningKeys: 1, SigningKeyAge: &age,
			},
		}}}}}, fails: failing(),
	})
}
