package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/hactl/hactl/reconcile/watch"
	"github.com/hactl/hactl/reconcile/watch/status"
	"github.com/hactl/hactl/reconcile/watch/web"
)

// webFlags say where the page is served, and to whom.
type webFlags struct {
	listen, public, user, passwordFile, hookFile, cert, key string
}

func (f *webFlags) add(c *cobra.Command) {
	flags := c.Flags()
	flags.StringVar(&f.listen, "listen", "", "`ADDRESS:PORT` to serve page and metrics on; without an address, 127.0.0.1")
	flags.StringVar(&f.public, "public-url", "", "`URL` at which people find the page, for links to it")
	flags.StringVar(&f.user, "web-user", "hactl", "user for --web-password-file")
	flags.StringVar(&f.passwordFile, "web-password-file", "", "`file` with the password that the page and the metrics ask for")
	flags.StringVar(&f.hookFile, "hook-secret-file", "", "`file` with the secret that a Git server shares for POST /hook")
	flags.StringVar(&f.cert, "tls-cert", "", "`file` with the certificate, with --tls-key")
	flags.StringVar(&f.key, "tls-key", "", "`file` with the certificate's key")
	c.MarkFlagsRequiredTogether("tls-cert", "tls-key")
}

// serve begins to serve, if it is asked for. stop ends it.
func (f webFlags) serve(ctx context.Context, loop *watch.Loop, reporter *status.Reporter, log *slog.Logger) (stop func(), err error) {
	if f.listen == "" {
		if f.passwordFile+f.hookFile+f.cert+f.public != "" {
			return nil, errors.New("--public-url, --web-password-file, --hook-secret-file and --tls-cert are for --listen")
		}
		return func() {}, nil
	}
	o := web.Options{User: f.user, Version: programVersion()}
	if reporter != nil {
		o.Metrics = append(o.Metrics, reporter)
	}
	if o.Password, err = secretFile(f.passwordFile); err != nil {
		return nil, fmt.Errorf("--web-password-file: %w", err)
	}
	if o.HookSecret, err = secretFile(f.hookFile); err != nil {
		return nil, fmt.Errorf("--hook-secret-file: %w", err)
	}
	address := f.listen
	if strings.HasPrefix(address, ":") {
		address = "127.0.0.1" + address
	}
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	server := web.Server(loop, o)
	server.ErrorLog = slog.NewLogLogger(log.Handler(), slog.LevelDebug)
	go func() {
		var err error
		if f.cert != "" {
			err = server.ServeTLS(l, f.cert, f.key)
		} else {
			err = server.Serve(l)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			log.Error("the page is not served any more: " + err.Error())
		}
	}()
	log.Info("serves", "address", l.Addr().String())
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil {
			_ = server.Close()
		}
	}, nil
}

// secretFile reads a secret; no file, no secret. An empty one is a mistake: everybody would know it.
func secretFile(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(b))
	if text == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return text, nil
}
