package facts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// smartctl asks smartmontools, if they are there. Its exit status is a set of
// bits of which most tell of the drive, not of failure: the report decides.
func smartctl(path string) (*Health, error) {
	program, err := exec.LookPath("smartctl")
	if err != nil {
		return nil, errors.New("smartctl is not installed")
	}
	ctx, cancel := context.WithTimeout(context.Background(), smartTimeout)
	defer cancel()
	report, err := exec.CommandContext(ctx, program, "--json", "--info", "--health", "--attributes", path).Output() //nolint:gosec // a device of the host's own
	if len(report) == 0 {
		return nil, fmt.Errorf("smartctl %s: %w", path, err)
	}
	return parseSmartctl(report)
}

// report is what smartctl's JSON says of a drive's health. Names differ by the
// drive's protocol and by smartctl's version: 7.4 sums endurance and spare up
// for all of them, 7.0 to 7.3 have only the protocol's own.
type report struct {
	Smartctl struct {
		Messages []struct {
			String string `json:"string"`
		} `json:"messages"`
	} `json:"smartctl"`
	Status *struct {
		Passed bool `json:"passed"`
	} `json:"smart_status"`
	Temperature struct {
		Current *float64 `json:"current"`
	} `json:"temperature"`
	PowerOn struct {
		Hours *float64 `json:"hours"`
	} `json:"power_on_time"`
	Endurance struct {
		Used *float64 `json:"current_percent"`
	} `json:"endurance_used"`
	Spare struct {
		Left *float64 `json:"current_percent"`
	} `json:"spare_available"`
	BlockSize float64 `json:"logical_block_size"`

	NVMe struct {
		Warning *uint8   `json:"critical_warning"`
		Spare   *float64 `json:"available_spare"`
		Used    *float64 `json:"percentage_used"`
		Written *float64 `json:"data_units_written"`
		Errors  *float64 `json:"media_errors"`
	} `json:"nvme_smart_health_information_log"`
	ATA struct {
		Table []attribute `json:"table"`
	} `json:"ata_smart_attributes"`
	SCSIUsed   *float64 `json:"scsi_percentage_used_endurance_indicator"`
	SCSICounts map[string]struct {
		Gigabytes   string   `json:"gigabytes_processed"`
		Uncorrected *float64 `json:"total_uncorrected_errors"`
	} `json:"scsi_error_counter_log"`
	SCSIReports map[string]json.RawMessage `json:"scsi_environmental_reports"`
}

// attribute of ATA's SMART: smartctl's drive database has named it.
type attribute struct {
	Name  string  `json:"name"`
	Value float64 `json:"value"` // normalised: what is left, of 100 mostly
	Raw   struct {
		Value float64 `json:"value"`
	} `json:"raw"`
}

// parseSmartctl reads smartctl's JSON of ATA, SCSI and NVMe drives.
func parseSmartctl(text []byte) (*Health, error) {
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("read smartctl's report: %w", err)
	}
	out := &Health{Source: "smartctl", Celsius: r.Temperature.Current, PowerOnHours: r.PowerOn.Hours, WearPercent: r.Endurance.Used, SparePercent: r.Spare.Left}
	r.nvme(out)
	r.ata(out)
	r.scsi(out)
	if r.Status != nil && !r.Status.Passed {
		out.Warning = strings.TrimSuffix("failed, "+out.Warning, ", ")
	}
	if r.Status == nil && out.Celsius == nil && out.PowerOnHours == nil && out.WearPercent == nil {
		why := "it tells nothing of its health"
		for _, m := range r.Smartctl.Messages {
			why = m.String
		}
		return nil, fmt.Errorf("smartctl: %s", why)
	}
	return out, nil
}

func (r report) nvme(out *Health) {
	out.WearPercent, out.SparePercent = first(out.WearPercent, r.NVMe.Used), first(out.SparePercent, r.NVMe.Spare)
	out.WrittenBytes, out.MediaErrors = times(r.NVMe.Written, nvmeUnit), r.NVMe.Errors
	if r.NVMe.Warning != nil {
		out.Warning = worries(*r.NVMe.Warning)
	}
}

// Attributes whose normalised value is the share of a drive's life that is
// left, by the names of smartctl's database.
var lifeLeft = []string{
	"Wear_Leveling_Count", "Media_Wearout_Indicator", "SSD_Life_Left", "Percent_Lifetime_Remain", "Remaining_Lifetime_Perc",
}

func (r report) ata(out *Health) {
	for _, a := range r.ATA.Table {
		switch {
		case slices.Contains(lifeLeft, a.Name) && a.Value > 0 && a.Value <= 100:
			out.WearPercent = first(out.WearPercent, number(100-a.Value))
		case a.Name == "Total_LBAs_Written":
			out.WrittenBytes = first(out.WrittenBytes, number(a.Raw.Value*max(r.BlockSize, 512)))
		case a.Name == "Reported_Uncorrect", a.Name == "Uncorrectable_Error_Cnt":
			out.MediaErrors = first(out.MediaErrors, number(a.Raw.Value))
		}
	}
}

func (r report) scsi(out *Health) {
	out.WearPercent = first(out.WearPercent, r.SCSIUsed)
	if gigabytes, err := strconv.ParseFloat(r.SCSICounts["write"].Gigabytes, 64); err == nil && gigabytes >= 0 && gigabytes < 1e12 {
		out.WrittenBytes = first(out.WrittenBytes, number(gigabytes*1e9))
	}
	for _, counter := range r.SCSICounts {
		if counter.Uncorrected != nil {
			sum := *counter.Uncorrected
			if out.MediaErrors != nil {
				sum += *out.MediaErrors
			}
			out.MediaErrors = number(sum)
		}
	}
	// Drives without the temperature page report 0 there, and themselves here.
	var sensor struct {
		Current *float64 `json:"current"`
	}
	if raw, found := r.SCSIReports["temperature_1"]; found && (out.Celsius == nil || *out.Celsius == 0) && json.Unmarshal(raw, &sensor) == nil {
		out.Celsius = first(sensor.Current, out.Celsius)
	}
}

// first is the first that is known.
func first(values ...*float64) *float64 {
	for _, v := range values {
		if v != nil {
			return v
		}
	}
	return nil
}

func times(v *float64, unit float64) *float64 {
	if v == nil {
		return nil
	}
	return number(*v * unit)
}
