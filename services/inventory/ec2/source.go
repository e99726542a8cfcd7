package ec2

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"github.com/fiord-bench/fiord/services/inventory/instance"
)

// Config of one source. Its YAML keys are the aws_ec2 plugin's where that has
// the same.
type Config struct {
	// Name of the source in snapshots.
	Name string `yaml:"name"`
	// Regions to ask; empty means all that the account has switched on.
	Regions []string `yaml:"regions"`
	// Accounts to ask; empty means the one that the credentials belong to.
	Accounts []Account `yaml:"accounts"`
	// Filters as EC2 names them, a value or a list of values each.
	Filters Filter `yaml:"filters"`
	// IncludeFilters: what matches at least one of them (or Filters) is found.
	IncludeFilters []Filter `yaml:"include_filters"`
	// ExcludeFilters: what matches one of them is left out, and wins.
	ExcludeFilters []Filter `yaml:"exclude_filters"`
	// Endpoint of another API than Amazon's; for tests and private clouds.
	Endpoint string `yaml:"endpoint_url"`
	// Parallel bounds how many regions are asked at once.
	Parallel int `yaml:"parallel"`
	// Attempts at each call, under throttling.
	Attempts int `yaml:"attempts"`
}

// Account says whose machines to look for.
type Account struct {
	// Name in the status; the account's number if empty.
	Name string `yaml:"name"`
	// Profile of the shared configuration to start from.
	Profile string `yaml:"profile"`
	// Roles to assume, one from the other.
	Roles []Role `yaml:"roles"`
}

// Role is one link of a chain.
type Role struct {
	ARN        string `yaml:"arn"`
	ExternalID string `yaml:"external_id"`
	// SessionName shows in the other account's audit log; default fiord.
	SessionName string `yaml:"session_name"`
}

// defaults of Config.
const (
	defaultParallel = 32
	defaultAttempts = 10
	// defaultRegion is asked for the list of regions.
	defaultRegion = "us-east-1"
)

// Source asks EC2.
type Source struct {
	cfg     Config
	encoder encoder
}

// New prepares a source; nothing is asked yet.
func New(cfg Config) (*Source, error) {
	if cfg.Name == "" {
		cfg.Name = "aws"
	}
	if cfg.Parallel == 0 {
		cfg.Parallel = defaultParallel
	}
	if cfg.Attempts == 0 {
		cfg.Attempts = defaultAttempts
	}
	for _, a := range cfg.Accounts {
		for _, r := range a.Roles {
			if !strings.HasPrefix(r.ARN, "arn:") {
				return nil, fmt.Errorf("source %s: role %q isn't an ARN", cfg.Name, r.ARN)
			}
		}
	}
	for _, f := range slices.Concat([]Filter{cfg.Filters}, cfg.IncludeFilters, cfg.ExcludeFilters) {
		if err := f.Validate(); err != nil {
			return nil, fmt.Errorf("source %s: %w", cfg.Name, err)
		}
	}
	return &Source{cfg: cfg}, nil
}

// Name of the source.
func (s *Source) Name() string { return s.cfg.Name }

// accounts are those to ask, at least one.
func (s *Source) accounts() []Account {
	if len(s.cfg.Accounts) == 0 {
		return []Account{{}}
	}
	return s.cfg.Accounts
}

// label names the account in statuses: as configured, or by the last role's
// account, or not at all.
func (a Account) label() string {
	if a.Name != "" || len(a.Roles) == 0 {
		return a.Name
	}
	if parts := strings.Split(a.Roles[len(a.Roles)-1].ARN, ":"); len(parts) > 4 {
		return parts[4]
	}
	return ""
}

// load makes the configuration of an account: default credentials, then one
// role after the other.
func (s *Source) load(ctx context.Context, a Account) (aws.Config, error) {
	options := []func(*config.LoadOptions) error{
		config.WithRetryer(s.retryer),
		config.WithDefaultRegion(defaultRegion),
	}
	if a.Profile != "" {
		options = append(options, config.WithSharedConfigProfile(a.Profile))
	}
	cfg, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return cfg, fmt.Errorf("load AWS configuration: %w", err)
	}
	if s.cfg.Endpoint != "" {
		cfg.BaseEndpoint = aws.String(s.cfg.Endpoint)
	}
	for _, r := range a.Roles {
		provider := stscreds.NewAssumeRoleProvider(sts.NewFromConfig(cfg), r.ARN, func(o *stscreds.AssumeRoleOptions) {
			o.RoleSessionName = "fiord"
			if r.SessionName != "" {
				o.RoleSessionName = r.SessionName
			}
			if r.ExternalID != "" {
				o.ExternalID = aws.String(r.ExternalID)
			}
		})
		cfg.Credentials = aws.NewCredentialsCache(provider)
	}
	return cfg, nil
}

// retryer adapts the rate of calls to throttling. Each client has its own, as
// EC2 throttles by account and region.
func (s *Source) retryer() aws.Retryer {
	return retry.NewAdaptiveMode(func(o *retry.AdaptiveModeOptions) {
		o.StandardOptions = append(o.StandardOptions, func(o *retry.StandardOptions) { o.MaxAttempts = s.cfg.Attempts })
	})
}

// regions lists the account's regions.
func (s *Source) regions(ctx context.Context, cfg aws.Config) ([]string, error) {
	if len(s.cfg.Regions) > 0 {
		return s.cfg.Regions, nil
	}
	out, err := ec2.NewFromConfig(cfg).DescribeRegions(ctx, &ec2.DescribeRegionsInput{})
	if err != nil {
		return nil, fmt.Errorf("list regions: %w", err)
	}
	var names []string
	for _, r := range out.Regions {
		names = append(names, deref(r.RegionName))
	}
	if len(names) == 0 {
		return nil, errors.New("list regions: there are none")
	}
	slices.Sort(names)
	return names, nil
}

// scope names one account and region of the source.
func (s *Source) scope(a Account, region string) instance.Scope {
	return instance.Scope{Source: s.cfg.Name, Account: a.label(), Region: region}
}
