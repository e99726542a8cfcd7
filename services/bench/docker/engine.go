package docker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/docker/cli/cli/connhelper"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/client"

	"github.com/fiord-bench/fiord/host/runner"
)

// DefaultAddress is where an engine listens by default.
const DefaultAddress = "unix:///var/run/docker.sock"

// Config says which engine to use and how.
type Config struct {
	// Address of the engine: unix:///path, tcp://host:2376 or
	// ssh://user@host. Empty means DefaultAddress.
	Address string
	// CertDir holds ca.pem, cert.pem and key.pem for a tcp address. Without
	// it a tcp address is refused: an open engine gives root to any client.
	CertDir string
	// Image holds fio and nothing that starts by itself.
	Image string
	// Pull lets the engine fetch a missing image.
	Pull bool
	// Host is this worker's mark, for labels.
	Host string
	// Former are marks that this worker had before, and others may have as well.
	Former []string
	// Memory limits invocations that name no limit, in bytes; 0 for no limit. The
	// page cache counts: a tight limit changes what buffered I/O measures.
	Memory int64
	// Hooks are the operator's adapters; nil for none.
	Hooks Hooks
	// Volumes judges volumes that exist. Nil takes only those that this host
	// made, with the driver and options that are asked for.
	Volumes Volumes
	Log     *slog.Logger
}

// Volumes judges a volume that the engine has under a name that is asked for:
// as it is, and whether this host's fiord made it. An error refuses it.
type Volumes interface {
	MayUse(asked, found runner.Volume, ours bool) error
}

// Hooks may change the engine requests that create and start a container.
// Errors end the start; they wrap runner.ErrHook.
type Hooks interface {
	// Before gets the API path and the JSON body and returns the body to send.
	Before(ctx context.Context, path string, body []byte) ([]byte, error)
	// After gets the engine's answer too and returns the answer to go on with.
	After(ctx context.Context, path string, body []byte, code int, answer []byte) ([]byte, error)
}

// Engine is a runner.Runner over a Docker engine. Close it when done.
type Engine struct {
	api     *client.Client
	cfg     Config
	remote  bool
	seccomp string

	mu       sync.Mutex
	versions map[string]string // fio's version by image id
}

var _ runner.Runner = (*Engine)(nil)

// New prepares a client; it does not talk to the engine yet.
func New(cfg Config) (*Engine, error) {
	if cfg.Address == "" {
		cfg.Address = DefaultAddress
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	opts, err := dial(cfg)
	if err != nil {
		return nil, err
	}
	api, err := client.NewClientWithOpts(append(opts, client.WithAPIVersionNegotiation())...)
	if err != nil {
		return nil, fmt.Errorf("make client of engine at %s: %w", cfg.Address, err)
	}
	profile, err := seccompProfile()
	if err != nil {
		return nil, errors.Join(err, api.Close())
	}
	return &Engine{
		api: api, cfg: cfg, seccomp: profile,
		remote:   Remote(cfg.Address),
		versions: map[string]string{},
	}, nil
}

func dial(cfg Config) ([]client.Opt, error) {
	scheme, _, _ := strings.Cut(cfg.Address, "://")
	switch scheme {
	case "unix":
		return []client.Opt{client.WithHost(cfg.Address)}, nil
	case "tcp":
		if cfg.CertDir == "" {
			return nil, fmt.Errorf("engine address %s: a tcp address needs a folder of certificates (ca.pem, cert.pem, key.pem)", cfg.Address)
		}
		pem := func(name string) string { return filepath.Join(cfg.CertDir, name) }
		return []client.Opt{
			client.WithHost(cfg.Address),
			client.WithTLSClientConfig(pem("ca.pem"), pem("cert.pem"), pem("key.pem")),
		}, nil
	case "ssh":
		helper, err := connhelper.GetConnectionHelper(cfg.Address)
		if err != nil {
			return nil, fmt.Errorf("engine address %s: %w", cfg.Address, err)
		}
		return []client.Opt{
			client.WithHTTPClient(&http.Client{Transport: &http.Transport{DialContext: helper.Dialer}}),
			client.WithHost(helper.Host),
			client.WithDialContext(helper.Dialer),
		}, nil
	default:
		return nil, fmt.Errorf("engine address %q: want unix://, tcp:// or ssh://", cfg.Address)
	}
}

// Remote reports whether an engine at an address sees another file system than
// this worker.
func Remote(address string) bool { return address != "" && !strings.HasPrefix(address, "unix://") }

// Close ends idle connections. Containers go on.
func (e *Engine) Close() error { return e.api.Close() }

// Remote reports whether the engine sees another file system than this worker.
func (e *Engine) Remote() bool { return e.remote }

// Ping asks the engine for a sign of life and negotiates the API version.
func (e *Engine) Ping(ctx context.Context) error {
	if _, err := e.api.Ping(ctx); err != nil {
		return e.failure("ping", err)
	}
	return nil
}

// Describe implements runner.Runner. A missing image leaves its fields empty:
// the host is then up, but cannot run fio yet.
func (e *Engine) Describe(ctx context.Context) (runner.Description, error) {
	info, err := e.api.Info(ctx)
	if err != nil {
		return runner.Description{}, e.failure("describe", err)
	}
	d := runner.Description{
		Kind: "docker", Engine: "docker " + info.ServerVersion, API: e.api.ClientVersion(),
		Image: e.cfg.Image, VolumeDrivers: info.Plugins.Volume,
	}
	img, err := e.api.ImageInspect(ctx, e.cfg.Image)
	if errdefs.IsNotFound(err) {
		return d, nil
	}
	if err != nil {
		return d, e.failure("inspect image", err)
	}
	d.ImageID = img.ID
	d.FioVersion, err = e.fioVersion(ctx, img.ID)
	return d, err
}

// fioVersion runs `fio --version` once per image.
func (e *Engine) fioVersion(ctx context.Context, imageID string) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if v := e.versions[imageID]; v != "" {
		return v, nil
	}
	cfg, host := e.hardened()
	cfg.Cmd = []string{"fio", "--version"}
	made, err := e.api.ContainerCreate(ctx, cfg, host, nil, nil, "")
	if err != nil {
		return "", e.failure("create container", err)
	}
	defer e.remove(made.ID)
	var out strings.Builder
	exit := runner.Exit{}
	if err := e.api.ContainerStart(ctx, made.ID, container.StartOptions{}); err != nil {
		return "", e.failure("start container", err)
	}
	if err := e.await(ctx, made.ID, &exit); err != nil {
		return "", err
	}
	if err := e.copyLogs(ctx, made.ID, &out, &out); err != nil {
		return "", err
	}
	version := strings.TrimSpace(out.String())
	if !strings.HasPrefix(version, "fio-") {
		return "", fmt.Errorf("image %s answers %q to fio --version", e.cfg.Image, version)
	}
	e.versions[imageID] = version
	return version, nil
}

// ensureImage finds the image, or pulls it when that is allowed.
func (e *Engine) ensureImage(ctx context.Context) error {
	_, err := e.api.ImageInspect(ctx, e.cfg.Image)
	switch {
	case err == nil:
		return nil
	case !errdefs.IsNotFound(err):
		return e.failure("inspect image", err)
	case !e.cfg.Pull:
		return fmt.Errorf("%w: engine at %s has no %q; load it there (make images builds it) or allow pulling",
			runner.ErrImageMissing, e.cfg.Address, e.cfg.Image)
	}
	progress, err := e.api.ImagePull(ctx, e.cfg.Image, image.PullOptions{})
	if err != nil {
		return fmt.Errorf("%w: pull %q: %w", runner.ErrImageMissing, e.cfg.Image, err)
	}
	defer func() { _ = progress.Close() }()
	if err := drainPull(progress); err != nil {
		return fmt.Errorf("%w: pull %q: %w", runner.ErrImageMissing, e.cfg.Image, err)
	}
	return nil
}

// remove takes a container away whatever its state, with its anonymous
// volumes. It uses a context of its own: a cancelled run is removed too.
func (e *Engine) remove(id string) {
	ctx, cancel := context.WithTimeout(context.Background(), removeTimeout)
	defer cancel()
	err := e.api.ContainerRemove(ctx, id, container.RemoveOptions{Force: true, RemoveVolumes: true})
	if err != nil && !errdefs.IsNotFound(err) {
		// The next start of the worker finds it by its label.
		e.cfg.Log.Warn("container is left behind", "container", id, "error", err)
	}
}

const removeTimeout = 30 * time.Second

// failure gives an engine's error the meaning a caller can act on.
func (e *Engine) failure(verb string, err error) error {
	switch {
	case client.IsErrConnectionFailed(err), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: %s at %s: %w", runner.ErrUnavailable, verb, e.cfg.Address, err)
	case strings.Contains(err.Error(), "rlimit"):
		return fmt.Errorf("%w: limits.memlock: the engine may not raise it on this host: %w", runner.ErrUnsupported, err)
	case errdefs.IsUnavailable(err), away(err):
		return fmt.Errorf("%w: %s at %s: %w", runner.ErrUnavailable, verb, e.cfg.Address, err)
	case refusal(err):
		return fmt.Errorf("%w: %s at %s: %w", runner.ErrRefused, verb, e.cfg.Address, err)
	default:
		return fmt.Errorf("%s at %s: %w", verb, e.cfg.Address, err)
	}
}

// refusal reports whether an engine has answered that a request is not to be
// done, rather than that something broke.
func refusal(err error) bool {
	return errdefs.IsInvalidArgument(err) || errdefs.IsNotFound(err) || errdefs.IsPermissionDenied(err) ||
		errdefs.IsUnauthorized(err) || errdefs.IsConflict(err) || errdefs.IsNotImplemented(err) ||
		strings.Contains(err.Error(), "VolumeDriver.") && !away(err) // a plugin's own answer, which engines pass on as a mistake of theirs
}

// away reports whether an engine could not reach the plugin that it needs.
func away(err error) bool {
	text := err.Error()
	return strings.Contains(text, "dial unix") || strings.Contains(text, "dial tcp") || strings.Contains(text, "Client.Timeout exceeded")
}
