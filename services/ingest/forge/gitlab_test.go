package forge_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/fiord-bench/fiord/services/ingest/forge"
)

const signingToken = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// standard signs as GitLab does when the webhook has a signing token.
func standard(tb testing.TB, body []byte, secret string, at time.Time) forge.Delivery {
	tb.Helper()
	raw, err := base64.StdEncoding.DecodeString(secret[len("whsec_"):])
	if err != nil {
		tb.Fatal(err)
	}
	stamp := strconv.FormatInt(at.Unix(), 10)
	h := hmac.New(sha256.New, raw)
	h.Write([]byte("msg_1." + stamp + "."))
	h.Write(body)
	d := forge.Delivery{Header: http.Header{}, Body: body}
	d.Header.Set("X-Gitlab-Event", "Push Hook")
	d.Header.Set("Webhook-Id", "msg_1")
	d.Header.Set("Webhook-Timestamp", stamp)
	d.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(h.Sum(nil)))
	return d
}

func TestGitLabSignature(t *testing.T) {
	body := []byte(`{"object_kind":"push"}`)
	keys := []forge.Key{key("token", "plain"), key("signing", signingToken)}
	tests := map[string]struct {
		change func(*forge.Delivery)
		want   error
	}{
		"holds": {func(*forge.Delivery) {}, nil},
		"one of several, unknown versions skipped": {func(d *forge.Delivery) {
			d.Header.Set("Webhook-Signature", "v1a,abc v1,AAAA "+d.Header.Get("Webhook-Signature"))
		}, nil},
		"body changed":      {func(d *forge.Delivery) { d.Body = []byte(`{"object_kind":"tag_push"}`) }, forge.ErrSignature},
		"id changed":        {func(d *forge.Delivery) { d.Header.Set("Webhook-Id", "msg_2") }, forge.ErrSignature},
		"timestamp changed": {func(d *forge.Delivery) { d.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix()+1, 10)) }, forge.ErrSignature},
		"timestamp missing": {func(d *forge.Delivery) { d.Header.Del("Webhook-Timestamp") }, forge.ErrStale},
		"digest empty":      {func(d *forge.Delivery) { d.Header.Set("Webhook-Signature", "v1,") }, forge.ErrUnsigned},
		"header empty":      {func(d *forge.Delivery) { d.Header.Set("Webhook-Signature", "") }, forge.ErrUnsigned},
		"a wrong signature does not fall back to a right token": {func(d *forge.Delivery) {
			d.Header.Set("Webhook-Signature", "v1,"+base64.StdEncoding.EncodeToString(make([]byte, 32)))
			d.Header.Set("X-Gitlab-Token", "plain")
		}, forge.ErrSignature},
		"an empty signature does not fall back to a right token": {func(d *forge.Delivery) {
			d.Header.Set("Webhook-Signature", "")
			d.Header.Set("X-Gitlab-Token", "plain")
		}, forge.ErrUnsigned},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			d := standard(t, body, signingToken, now)
			tt.change(&d)
			k, err := forge.GitLab{}.Verify(d, keys, now)
			if !errors.Is(err, tt.want) {
				t.Fatalf("error %v, want %v", err, tt.want)
			}
			if err == nil && string(k.Secret) != signingToken {
				t.Errorf("key %q, want the configured one back", k.ID)
			}
		})
	}
}

func TestSignedTimestampsExpire(t *testing.T) {
	for off, want := range map[time.Duration]error{
		-6 * time.Minute: forge.ErrStale, -4 * time.Minute: nil, 4 * time.Minute: nil, 6 * time.Minute: forge.ErrStale,
	} {
		d := standard(t, []byte("{}"), signingToken, now.Add(off))
		if _, err := (forge.GitLab{}).Verify(d, []forge.Key{key("s", signingToken)}, now); !errors.Is(err, want) {
			t.Errorf("%v off: error %v, want %v", off, err, want)
		}
	}
}

// A key that is not in the scheme's form must not become an empty HMAC key,
// which anybody could sign with.
func TestPlainTokenIsNoSigningKey(t *testing.T) {
	d := standard(t, []byte("{}"), "whsec_", now)
	for _, secret := range []string{"plain", "whsec_", "whsec_%%%"} {
		if _, err := (forge.GitLab{}).Verify(d, []forge.Key{key("s", secret)}, now); !errors.Is(err, forge.ErrSignature) {
			t.Errorf("secret %q: error %v, want ErrSignature", secret, err)
		}
	}
}
