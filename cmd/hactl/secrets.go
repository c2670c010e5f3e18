package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	v1 "github.com/hactl/hactl/api/v1"
	"github.com/hactl/hactl/reconcile"
)

// commandLimit bounds a secret's command.
const commandLimit = 30 * time.Second

// secretValues are the resolved secret references of one set of manifests.
type secretValues map[secretKey]reconcile.Text

type secretKey struct {
	object *v1.Object
	path   string
}

// Value implements reconcile.Secrets.
func (s secretValues) Value(o *v1.Object, path string) reconcile.Text {
	if t, ok := s[secretKey{o, path}]; ok {
		return t
	}
	return reconcile.UnknownSecret()
}

// resolve reads the values of all secret references. Commands run only if allowed. With must, a value that cannot be had is an error;
// without, it stays unknown and the plan does not compare it. A key that was given and cannot be read is an error at any rate.
func (a *app) resolve(ctx context.Context, m *v1.Manifests, commands, must bool) (secretValues, error) {
	values := secretValues{}
	var errs []error
	for _, ref := range m.Secrets() {
		if ref.Ref.Age != "" && a.age == nil {
			keys, err := readAgeKeys(a.ageFiles, os.Getenv)
			if err != nil {
				return nil, err
			}
			a.age = keys
		}
		text, err := a.resolveOne(ctx, ref.Ref, ref.Object, commands)
		switch {
		case err == nil:
			values[secretKey{ref.Object, ref.Path}] = reconcile.Secret(text)
		case must || errors.Is(err, errDamaged):
			errs = append(errs, fmt.Errorf("%s: %s: %w", ref.Object.Pos(ref.Path), ref.Path, err))
		}
	}
	return values, errors.Join(errs...)
}

func (a *app) resolveOne(ctx context.Context, r v1.SecretRef, o *v1.Object, commands bool) (string, error) {
	switch {
	case r.Age != "":
		return a.age.decrypt(r.Age)
	case r.Env != "":
		v, ok := os.LookupEnv(r.Env)
		if !ok {
			return "", fmt.Errorf("the environment variable %s is not set", r.Env)
		}
		return v, nil
	case r.File != "":
		path := r.File
		if !filepath.IsAbs(path) {
			path = filepath.Join(filepath.Dir(o.Pos("").File), path)
		}
		if a.secretFile != nil {
			var err error
			if path, err = a.secretFile(o, r.File); err != nil {
				return "", fmt.Errorf("the secret's file cannot be read: %w", err)
			}
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return "", fmt.Errorf("the secret's file cannot be read: %w", err)
		}
		return strings.TrimSuffix(string(b), "\n"), nil
	case len(r.Command) > 0:
		if !commands {
			return "", errors.New("commands are run by apply, and by plan with --allow-commands")
		}
		ctx, cancel := context.WithTimeout(ctx, commandLimit)
		defer cancel()
		cmd := exec.CommandContext(ctx, r.Command[0], r.Command[1:]...)
		var stderr bytes.Buffer
		cmd.Stderr = &stderr
		out, err := cmd.Output()
		if err != nil {
			return "", fmt.Errorf("the secret's command %s: %w: %s", r.Command[0], err, strings.TrimSpace(stderr.String()))
		}
		return strings.TrimSuffix(string(out), "\n"), nil
	}
	return "", errors.New("the secret says neither env, file, command nor age")
}
