-- Dates are compared as text: those that are not YYYY, YYYY-MM or YYYY-MM-DD give way to the file's date.
UPDATE documents SET date = substr(date, 1, 10) WHERE date GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]*';
UPDATE documents SET date = NULL
    WHERE date NOT GLOB '[0-9][0-9][0-9][0-9]'
    AND date NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]'
    AND date NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]';
