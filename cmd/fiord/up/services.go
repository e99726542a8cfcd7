package up

import (
	"context"

	"github.com/fiord-bench/fiord/internal/service"
	"github.com/fiord-bench/fiord/internal/service/config"
	"github.com/fiord-bench/fiord/services/bench"
	"github.com/fiord-bench/fiord/services/inventory"
	"github.com/fiord-bench/fiord/services/plot"
)

// part is one service of the process.
type part struct {
	name  string
	build func(service.Deps) (service.Runner, error)
}

// parts are the services, in the order of an event's way.
func (s *Stack) parts() []part {
	return []part{
		{"inventory", func(d service.Deps) (service.Runner, error) { return inventory.New(s.cfg.Inventory, d) }},
		{"bench", func(d service.Deps) (service.Runner, error) { return bench.New(s.cfg.Bench, d) }},
		{"plot", s.buildPlot},
	}
}

// buildPlot remembers the page's address, whose port may have been 0.
func (s *Stack) buildPlot(d service.Deps) (service.Runner, error) {
	p, err := plot.New(s.cfg.Plot, d)
	if err != nil {
		return nil, err
	}
	s.setURL("plot", p.URL())
	return p, nil
}

// prepareServices makes an app of each part, with the credentials of its own.
func (s *Stack) prepareServices(context.Context) error {
	for _, p := range s.parts() {
		app, err := service.New(service.Options{
			Name: p.name, Common: s.common(p.name), Build: p.build,
			Log: s.log, Registry: s.registry, Checks: s.checks,
		})
		if err != nil {
			return err
		}
		s.undo(app.Close)
		s.apps = append(s.apps, app)
	}
	return nil
}

// common is what the service called name is told: the embedded servers, and
// who it is to them.
func (s *Stack) common(name string) service.Common {
	u := s.users[name]
	c := service.DefaultCommon()
	c.NATS.URL, c.NATS.NKeyFile, c.NATS.Provision = s.nats.URL(), u.NKeyFile, false
	c.S3.Endpoint, c.S3.Bucket = s.s3.Endpoint(), s.cfg.Servers.S3.Bucket
	c.S3.AccessKey, c.S3.SecretKey = secret(u.AccessKey), u.SecretKey
	c.Log, c.Trace = s.cfg.Common.Log, s.cfg.Common.Trace
	return c
}

func secret(value string) config.Secret { return config.NewSecret(value) }

func names() []string { return service.Names() }
