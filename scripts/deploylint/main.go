// Command deploylint checks a Dockerfile with BuildKit's own linter and a compose file with compose's own loader, without
// a docker engine and without asking any registry. It is a module of its own, so that the program does not carry what they require.
//
//	go run . ROOT DOCKERFILE COMPOSE
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/opencontainers/go-digest"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: deploylint ROOT DOCKERFILE COMPOSE")
		os.Exit(2)
	}
	ctx := context.Background()
	if err := errors.Join(dockerfile(ctx, os.Args[1], os.Args[2]), compose(ctx, os.Args[3])); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("Dockerfile and compose: ok")
}

// noImages answers for every base image, so that the linter asks no registry.
type noImages struct{}

func (noImages) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := []byte(`{"architecture":"amd64","os":"linux","rootfs":{"type":"layers"},"config":{"Env":["PATH=/usr/local/bin:/usr/bin:/bin"]}}`)
	return ref, digest.FromBytes(config), config, nil
}

// dockerfile runs BuildKit's rules over every stage and looks for what COPY takes from the checkout.
func dockerfile(ctx context.Context, root, path string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	nothing := llb.Scratch()
	sourceMap := llb.NewSourceMap(&nothing, filepath.Base(path), "Dockerfile", text)
	if sourceMap.Definition, err = nothing.Marshal(ctx); err != nil {
		return err
	}
	results, err := dockerfile2llb.DockerfileLint(ctx, text, dockerfile2llb.ConvertOpt{MetaResolver: noImages{}, MainContext: &nothing, SourceMap: sourceMap})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var errs []error
	if results.Error != nil {
		errs = append(errs, fmt.Errorf("%s: %s", path, results.Error.Message))
	}
	for _, w := range results.Warnings {
		line := int32(0)
		if w.Location != nil && len(w.Location.Ranges) > 0 {
			line = w.Location.Ranges[0].Start.Line
		}
		errs = append(errs, fmt.Errorf("%s:%d: %s: %s", path, line, w.RuleName, w.Detail))
	}
	return errors.Join(append(errs, sources(root, path, string(text)))...)
}

func sources(root, path, text string) error {
	tree, err := parser.Parse(strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	stages, _, err := instructions.Parse(tree.AST, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var errs []error
	for _, s := range stages {
		for _, c := range s.Commands {
			cp, ok := c.(*instructions.CopyCommand)
			if !ok || cp.From != "" {
				continue
			}
			for _, src := range cp.SourcePaths {
				if found, err := filepath.Glob(filepath.Join(root, src)); err != nil || len(found) == 0 {
					errs = append(errs, fmt.Errorf("%s: COPY %s: not in the checkout", path, src))
				}
			}
		}
	}
	if last := stages[len(stages)-1]; !numericUser(last) {
		errs = append(errs, fmt.Errorf("%s: the last USER must be a number, Kubernetes cannot tell a name from root", path))
	}
	return errors.Join(errs...)
}

func numericUser(s instructions.Stage) bool {
	user := ""
	for _, c := range s.Commands {
		if u, ok := c.(*instructions.UserCommand); ok {
			user = u.User
		}
	}
	return user != "" && strings.Trim(user, "0123456789:") == "" && !strings.HasPrefix(user, "0")
}

// compose loads and validates the file as compose does: schema, references, secrets, dependencies.
func compose(ctx context.Context, path string) error {
	options, err := cli.NewProjectOptions([]string{path}, cli.WithResolvedPaths(true), cli.WithConsistency(true))
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	project, err := options.LoadProject(ctx)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	var errs []error
	for name, s := range project.Services {
		if s.Build == nil {
			continue
		}
		if _, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile)); err != nil {
			errs = append(errs, fmt.Errorf("%s: service %s: %w", path, name, err))
		}
	}
	return errors.Join(errs...)
}
