package rest

import (
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/seed-60f9e3ad/identity"
	"github.com/seed-60f9e3ad/identity/api"
	"github.com/seed-60f9e3ad/identity/internal/admin"
	"github.com/seed-60f9e3ad/identity/internal/doctor"
	"github.com/seed-60f9e3ad/identity/internal/web"
)

func (h *Handler) health() []Route {
	return []Route{{"GET", "/api/health-report", identity.PermissionHealthRead, h.healthReport}}
}

func (h *Handler) healthReport(w http.ResponseWriter, r request) error {
	query, err := web.Query(r.Request, "unused_days")
	if err != nil {
		return err
	}
	unused := admin.DefaultUnused
	if query.Has("unused_days") {
		const day = 24 * time.Hour
		days, err := strconv.Atoi(query.Get("unused_days"))
		if err != nil || days < int(admin.MinUnused/day) || days > int(admin.MaxUnused/day) {
			return badParameter("unused_days", "must be 1 to 3650")
		}
		unused = time.Duration(days) * day
	}
	report, err := h.admin.Health(r.Context(), r.caller, unused)
	if err != nil {
		return err
	}
	return web.WriteJSON(w, http.StatusOK, viewHealth(report))
}

func viewHealth(report admin.Health) api.HealthReport {
	v := api.HealthReport{
		At: report.Facts.Now, NeedsCare: doctor.NeedsCare(report.Findings), Findings: api.List[api.Finding]{},
		Configuration: viewValues(report.Configuration), Settings: viewValues(report.Settings), Measured: viewMeasures(report.Facts),
	}
	for _, f := range report.Findings {
		v.Findings = append(v.Findings, api.Finding{ID: f.ID, Severity: string(f.Severity), About: f.About, Cause: f.Cause, Cure: f.Cure})
	}
	return v
}

func viewValues(values []doctor.Value) api.List[api.SettingValue] {
	list := api.List[api.SettingValue]{}
	for _, v := range values {
		list = append(list, api.SettingValue(v))
	}
	return list
}

func viewMeasures(f doctor.Facts) api.HealthMeasures {
	m := api.HealthMeasures{
		ClockOffset: rounded(f.ClockOffset), HashTime: rounded(f.Hash), HashSlots: int64(f.HashSlots), Cores: int64(f.Cores),
		ConnectionsOpen: int64(f.Connections.Open), ConnectionsInUse: int64(f.Connections.InUse), ConnectionsLimit: int64(f.Connections.Limit), SigningKeys: int64(len(f.Keys)),
	}
	if f.Disk != nil {
		m.DiskFree, m.DiskTotal = bytesOf(f.Disk.Free), bytesOf(f.Disk.Total)
	}
	for _, k := range f.Keys {
		if k.Default && k.State(f.Now) == identity.KeyActive {
			m.SigningKeyAge = new(int64(f.Now.Sub(k.ActivatesAt) / time.Second))
		}
	}
	return m
}

// rounded is a time in seconds, to the microsecond.
func rounded(d time.Duration) float64 { return math.Round(d.Seconds()*1e6) / 1e6 }

func bytesOf(n uint64) *int64 { return new(int64(min(n, math.MaxInt64))) }
