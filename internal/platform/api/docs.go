package api

func (a *API) registerDocs() {}
