package result

import "strings"

// Directions are the names of what a section did, in the order in which they
// are shown.
func Directions() []string { return []string{"read", "write", "trim", "mixed", "sync"} }

// SeriesName names a direction of a section in a run that has several:
// "section/direction". In a run of one section it is the direction's.
func SeriesName(section, direction string) string {
	if section == "" {
		return direction
	}
	return section + "/" + direction
}

// SplitSeries takes a name of SeriesName apart.
func SplitSeries(name string) (section, direction string) {
	if i := strings.LastIndexByte(name, '/'); i >= 0 {
		return name[:i], name[i+1:]
	}
	return "", name
}

// SeriesNames lists what the run's sections did: directions, or in a run of
// several section/direction.
func (d *Document) SeriesNames() []string {
	var names []string
	for i := range d.Summary.Sections {
		s := &d.Summary.Sections[i]
		for _, direction := range Directions() {
			if s.Direction(direction) == nil {
				continue
			}
			if len(d.Summary.Sections) == 1 {
				names = append(names, direction)
			} else {
				names = append(names, SeriesName(s.Name, direction))
			}
		}
	}
	return names
}

// jobsOf are the jobs that a series is of: those of a section, or of all
// sections that had the direction if they ran at the same time.
func jobsOf(all []Job, sections []Section, name string) (jobs []Job, direction string) {
	section, direction := SplitSeries(name)
	var have []*Section
	for i := range sections {
		s := &sections[i]
		if s.Direction(direction) != nil && (section == "" || section == s.Name) {
			have = append(have, s)
		}
	}
	if len(have) > 1 && !together(have) {
		return nil, direction
	}
	for _, s := range have {
		for _, e := range s.Entries {
			if e >= 0 && e < len(all) {
				jobs = append(jobs, all[e])
			}
		}
	}
	return jobs, direction
}
