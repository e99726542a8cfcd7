// Package ec2test is an EC2 and STS API in the test's process: the query
// protocol over HTTP, with what tests need and other fakes lack: latency,
// throttling, regions that fail, and pages as EC2 counts them.
package ec2test

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Instance is a machine of the fake's. Tags are written in the order given.
type Instance struct {
	ID, State, Type, PublicIP, PrivateIP, IPv6, Key, Lifecycle string
	Tags                                                       [][2]string
}

// Server is the API. Set the fields before it is first asked.
type Server struct {
	// Account that owns everything.
	Account string
	// Regions and their machines. A region that isn't there is unknown.
	Regions map[string][]Instance
	// Latency of every answer.
	Latency time.Duration
	// Throttle answers so many calls in each region with RequestLimitExceeded.
	Throttle int
	// Fail answers every call in a region with this error code.
	Fail map[string]string
	// ExternalID that AssumeRole wants, if any.
	ExternalID string
	// PerReservation is how many machines share a reservation; default 3.
	PerReservation int

	mu      sync.Mutex
	calls   map[string]int
	assumed []string
	lists   map[string][]Instance // what filters match, by region and filters
	bodies  map[string][]byte     // pages, by region and request
	url     string
}

// Start serves until the test ends, and has the SDK of this process sign as
// anybody.
func (s *Server) Start(t testing.TB) {
	t.Helper()
	srv := httptest.NewServer(s)
	t.Cleanup(srv.Close)
	s.url = srv.URL
	Credentials(t)
}

// Credentials has the SDK of this process sign as anybody, and keeps it from
// whatever credentials the machine has.
func Credentials(t testing.TB) {
	t.Helper()
	for k, v := range map[string]string{
		"AWS_ACCESS_KEY_ID": "AKIDTEST", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
	} {
		t.Setenv(k, v)
	}
}

// URL of the API.
func (s *Server) URL() string { return s.url }

// Calls counts the calls of an action in a region.
func (s *Server) Calls(action, region string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[action+" "+region]
}

// Set replaces the machines of a region while the API is in use.
func (s *Server) Set(region string, machines []Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.Regions[region] = machines
	clear(s.lists)
	clear(s.bodies)
}

// Break makes a region fail with an error code while the API is in use.
func (s *Server) Break(region, code string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.Fail == nil {
		s.Fail = map[string]string{}
	}
	s.Fail[region] = code
}

// Assumed lists the roles that were assumed, in order.
func (s *Server) Assumed() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.assumed)
}

// leastLatency is how long every answer takes at least. The SDK closes the
// body of its request as soon as the response begins; a server that answers
// sooner than the request's writer has noticed its end breaks the connection
// and the call is tried again. No API over a network is as fast.
const leastLatency = 5 * time.Millisecond

var credential = regexp.MustCompile(`Credential=([^/]+)/\d+/([^/]+)/([^/]+)/aws4_request`)

// ServeHTTP answers one call. The region is the one that the call is signed
// for, as the real endpoints' would be.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	time.Sleep(max(s.Latency, leastLatency))
	signed := credential.FindStringSubmatch(r.Header.Get("Authorization"))
	if signed == nil {
		fail(w, http.StatusForbidden, "MissingAuthenticationToken", "not signed")
		return
	}
	action, region := r.Form.Get("Action"), signed[2]
	s.mu.Lock()
	if s.calls == nil {
		s.calls, s.lists, s.bodies = map[string]int{}, map[string][]Instance{}, map[string][]byte{}
	}
	s.calls[action+" "+region]++
	n, broken := s.calls[action+" "+region], s.Fail[region]
	s.mu.Unlock()
	switch {
	case action == "AssumeRole":
		s.assumeRole(w, r.Form)
	case broken != "":
		fail(w, http.StatusForbidden, broken, "as the test wants it")
	case action == "DescribeInstances" && n <= s.Throttle:
		fail(w, http.StatusServiceUnavailable, "RequestLimitExceeded", "Request limit exceeded.")
	case action == "DescribeRegions":
		s.describeRegions(w)
	case action == "DescribeInstances":
		s.describeInstances(w, r.Form, region)
	default:
		fail(w, http.StatusBadRequest, "InvalidAction", action)
	}
}

func fail(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	fmt.Fprintf(w, `<Response><Errors><Error><Code>%s</Code><Message>%s</Message></Error></Errors><RequestID>r</RequestID></Response>`, code, message)
}

func (s *Server) assumeRole(w http.ResponseWriter, form url.Values) {
	if s.ExternalID != "" && form.Get("ExternalId") != s.ExternalID {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>external id</Message></Error></ErrorResponse>`)
		return
	}
	s.mu.Lock()
	s.assumed = append(s.assumed, form.Get("RoleArn"))
	s.mu.Unlock()
	fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>`+
		`<SessionToken>t</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
}

func (s *Server) describeRegions(w http.ResponseWriter) {
	fmt.Fprint(w, `<DescribeRegionsResponse><regionInfo>`)
	for region := range s.Regions {
		fmt.Fprintf(w, `<item><regionName>%s</regionName></item>`, region)
	}
	fmt.Fprint(w, `</regionInfo></DescribeRegionsResponse>`)
}

func (s *Server) describeInstances(w http.ResponseWriter, form url.Values, region string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := region + "?" + form.Encode()
	body, cached := s.bodies[key]
	if !cached {
		matching := s.matching(region, form)
		if id := form.Get("InstanceId.1"); id != "" && len(matching) == 0 {
			fail(w, http.StatusBadRequest, "InvalidInstanceID.NotFound", id)
			return
		}
		from, _ := strconv.Atoi(form.Get("NextToken"))
		size, err := strconv.Atoi(form.Get("MaxResults"))
		if err != nil {
			size = 1000
		}
		body = s.page(matching, from, size)
		s.bodies[key] = body
	}
	// A page has its length, as the real ones have: without it the end is one
	// more read that the SDK's decoder doesn't make.
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body)
}

// matching are the machines that a call asks for, whatever page of them.
func (s *Server) matching(region string, form url.Values) []Instance {
	without := maps.Clone(form)
	without.Del("NextToken")
	without.Del("MaxResults")
	key := region + "?" + without.Encode()
	list, cached := s.lists[key]
	if !cached {
		id := form.Get("InstanceId.1")
		list = slices.DeleteFunc(slices.Clone(s.Regions[region]), func(i Instance) bool {
			return id != "" && i.ID != id || !matches(i, form)
		})
		s.lists[key] = list
	}
	return list
}

// page writes one page of machines, several to a reservation.
func (s *Server) page(all []Instance, from, size int) []byte {
	per := s.PerReservation
	if per == 0 {
		per = 3
	}
	end := min(from+size, len(all))
	var b strings.Builder
	b.WriteString(`<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet>`)
	for first := min(from, end); first < end; first += per {
		fmt.Fprintf(&b, `<item><reservationId>r-%s</reservationId><ownerId>%s</ownerId><groupSet/><instancesSet>`, all[first].ID, s.Account)
		for _, i := range all[first:min(first+per, end)] {
			i.write(&b)
		}
		b.WriteString(`</instancesSet></item>`)
	}
	b.WriteString(`</reservationSet>`)
	if end < len(all) {
		fmt.Fprintf(&b, `<nextToken>%d</nextToken>`, end)
	}
	b.WriteString(`</DescribeInstancesResponse>`)
	return []byte(b.String())
}

// matches holds a machine against the filters of a call.
func matches(i Instance, form url.Values) bool {
	for n := 1; form.Has(fmt.Sprintf("Filter.%d.Name", n)); n++ {
		name := form.Get(fmt.Sprintf("Filter.%d.Name", n))
		value := i.attribute(name)
		hit := false
		for v := 1; form.Has(fmt.Sprintf("Filter.%d.Value.%d", n, v)); v++ {
			hit = hit || form.Get(fmt.Sprintf("Filter.%d.Value.%d", n, v)) == value
		}
		if !hit {
			return false
		}
	}
	return true
}

func (i Instance) attribute(filter string) string {
	switch filter {
	case "instance-state-name":
		return i.State
	case "instance-type":
		return i.Type
	case "instance-id":
		return i.ID
	}
	for _, t := range i.Tags {
		if filter == "tag:"+t[0] {
			return t[1]
		}
	}
	return ""
}
