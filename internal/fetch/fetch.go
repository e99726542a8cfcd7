package fetch

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"syscall"
	"time"
)

var (
	// ErrRefused says that the address may not be fetched from.
	ErrRefused = errors.New("address refused")
	// ErrNoFile says that the server has no such file, or gives out a web page
	// instead of it.
	ErrNoFile = errors.New("no file at this address")
	// ErrTooLarge says that there is more than the limit.
	ErrTooLarge = errors.New("file too large")
	// ErrUnavailable says that the server did not answer, or not in time; trying
	// again later may help.
	ErrUnavailable = errors.New("server unavailable")
)

// Config bounds what may be fetched.
type Config struct {
	// AllowHTTP permits http:// as well as https://.
	AllowHTTP bool
	// AllowPrivate permits addresses that are not public, see [Public].
	AllowPrivate bool
	// MaxBytes of one file; 1 MiB if 0.
	MaxBytes int64
	// MaxRedirects to follow; 3 if 0, none if negative.
	MaxRedirects int
	// Timeout of one file, everything included; 20 s if 0.
	Timeout time.Duration
	// TLS and resolver of tests; nil for the system's.
	Transport func(*http.Transport)
}

// Client fetches files. It is safe for concurrent use.
type Client struct {
	cfg  Config
	http *http.Client
}

// Content is a file that was fetched.
type Content struct {
	Bytes []byte
	// SHA256 of the bytes, in hexadecimal: what was at the address then.
	SHA256 string
	// URL the bytes came from, after redirects.
	URL string
}

// New makes a client.
func New(cfg Config) *Client {
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = 1 << 20
	}
	if cfg.MaxRedirects == 0 {
		cfg.MaxRedirects = 3
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = 20 * time.Second
	}
	c := &Client{cfg: cfg}
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: c.control}
	transport := &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // a small answer must not become a large file
		MaxResponseHeaderBytes: 64 << 10,
		TLSHandshakeTimeout:    10 * time.Second,
		MaxIdleConns:           10,
		IdleConnTimeout:        30 * time.Second,
	}
	if cfg.Transport != nil {
		cfg.Transport(transport)
	}
	c.http = &http.Client{Transport: transport, Timeout: cfg.Timeout, CheckRedirect: c.redirect}
	return c
}

// control sees the address that a socket is about to connect to: the one place
// where DNS cannot answer twice in two ways.
func (c *Client) control(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %s", ErrRefused, address)
	}
	if !c.cfg.AllowPrivate && !Public(at.Addr()) {
		return fmt.Errorf("%w: it leads to %s, which is not public", ErrRefused, at.Addr())
	}
	return nil
}

func (c *Client) redirect(next *http.Request, via []*http.Request) error {
	if len(via) > c.cfg.MaxRedirects {
		return fmt.Errorf("%w: more than %d redirects", ErrRefused, c.cfg.MaxRedirects)
	}
	if via[0].URL.Scheme == "https" && next.URL.Scheme != "https" {
		return fmt.Errorf("%w: redirected from https to %s", ErrRefused, next.URL.Scheme)
	}
	next.Header.Del("Referer")
	return c.Check(next.URL.String())
}

// Check tells whether an address may be asked for at all, without asking.
func (c *Client) Check(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return fmt.Errorf("%w: %q is no URL of a file", ErrRefused, address)
	}
	switch {
	case u.User != nil:
		return fmt.Errorf("%w: the URL holds credentials, which would be kept with every run", ErrRefused)
	case u.Scheme == "http" && !c.cfg.AllowHTTP:
		return fmt.Errorf("%w: %s is not encrypted: use https", ErrRefused, u)
	case u.Scheme != "https" && u.Scheme != "http":
		return fmt.Errorf("%w: %s is no https URL", ErrRefused, u)
	}
	return nil
}

// Get fetches a file. Errors wrap one of the package's, or the end of ctx.
func (c *Client) Get(ctx context.Context, address string) (Content, error) {
	if err := c.Check(address); err != nil {
		return Content{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Content{}, fmt.Errorf("%w: %v", ErrRefused, err)
	}
	req.Header.Set("User-Agent", "fiord")
	req.Header.Set("Accept", "text/plain, */*;q=0.5")
	resp, err := c.http.Do(req)
	if err != nil {
		return Content{}, fmt.Errorf("get %s: %w", address, unavailable(ctx, plain(err)))
	}
	defer func() { _ = resp.Body.Close() }()
	if err := usable(resp); err != nil {
		return Content{}, fmt.Errorf("get %s: %w", address, err)
	}
	return c.read(ctx, resp)
}

func (c *Client) read(ctx context.Context, resp *http.Response) (Content, error) {
	body, err := io.ReadAll(io.LimitReader(resp.Body, c.cfg.MaxBytes+1))
	if err != nil {
		return Content{}, unavailable(ctx, err)
	}
	if int64(len(body)) > c.cfg.MaxBytes {
		return Content{}, fmt.Errorf("get %s: %w: more than %d bytes", resp.Request.URL, ErrTooLarge, c.cfg.MaxBytes)
	}
	sum := sha256.Sum256(body)
	return Content{Bytes: body, SHA256: hex.EncodeToString(sum[:]), URL: resp.Request.URL.String()}, nil
}

// usable refuses answers that are no file. A web page in place of the file is
// what one gets for the address in the browser's address bar.
func usable(resp *http.Response) error {
	switch {
	case resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode >= 500:
		return fmt.Errorf("%w: status %s", ErrUnavailable, resp.Status)
	case resp.StatusCode != http.StatusOK:
		return fmt.Errorf("%w: status %s", ErrNoFile, resp.Status)
	}
	media, _, err := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if err == nil && strings.HasSuffix(media, "html") {
		return fmt.Errorf("%w: it is a web page: use the address of the raw file", ErrNoFile)
	}
	return nil
}

// plain takes off what net/http and net say around an error: the method and the
// address, of which the one is known and the other is told by the caller.
func plain(err error) error {
	var get *url.Error
	if errors.As(err, &get) {
		err = get.Err
	}
	var dial *net.OpError
	if errors.As(err, &dial) && errors.Is(dial.Err, ErrRefused) {
		err = dial.Err
	}
	return err
}

// unavailable keeps refusals and the caller's own end apart from outages.
func unavailable(ctx context.Context, err error) error {
	if errors.Is(err, ErrRefused) || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, err)
}
